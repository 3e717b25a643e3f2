#include <algorithm>
#include <vector>

#include "caffe/util/channels_last.hpp"

namespace caffe {

// A matrix of rows x columns to one of columns x rows, in squares that the
// first cache holds.
template <typename Dtype>
static void transpose(int rows, int columns, const Dtype* from, Dtype* to) {
  const int kSide = 16;
  for (int r = 0; r < rows; r += kSide) {
    const int r_end = std::min(r + kSide, rows);
    for (int c = 0; c < columns; c += kSide) {
      const int c_end = std::min(c + kSide, columns);
      for (int j = c; j < c_end; ++j) {
        for (int i = r; i < r_end; ++i) {
          to[static_cast<size_t>(j) * rows + i] =
              from[static_cast<size_t>(i) * columns + j];
        }
      }
    }
  }
}

template <typename Dtype>
void to_channels_last(int num, int channels, int places, const Dtype* plain,
    Dtype* last) {
  const size_t image = static_cast<size_t>(channels) * places;
  for (int n = 0; n < num; ++n) {
    transpose(channels, places, plain + n * image, last + n * image);
  }
}

template <typename Dtype>
void from_channels_last(int num, int channels, int places, const Dtype* last,
    Dtype* plain) {
  const size_t image = static_cast<size_t>(channels) * places;
  for (int n = 0; n < num; ++n) {
    transpose(places, channels, last + n * image, plain + n * image);
  }
}

void sum_over_places(int num, int channels, int places, const float* values,
    const float* factors, float* sums) {
  std::vector<double> total(channels, 0.);
  std::vector<float> of_image(channels);
  float* sum = &of_image[0];
  for (int n = 0; n < num; ++n) {
    std::fill(of_image.begin(), of_image.end(), 0.f);
    for (int p = 0; p < places; ++p) {
      if (factors) {
        for (int c = 0; c < channels; ++c) { sum[c] += values[c] * factors[c]; }
        factors += channels;
      } else {
        for (int c = 0; c < channels; ++c) { sum[c] += values[c]; }
      }
      values += channels;
    }
    for (int c = 0; c < channels; ++c) { total[c] += sum[c]; }
  }
  for (int c = 0; c < channels; ++c) { sums[c] += total[c]; }
}

template void to_channels_last(int, int, int, const float*, float*);
template void to_channels_last(int, int, int, const double*, double*);
template void from_channels_last(int, int, int, const float*, float*);
template void from_channels_last(int, int, int, const double*, double*);

}  // namespace caffe
