#include <algorithm>
#include <cstring>
#include <vector>

#include "caffe/util/weight_gradient.hpp"

namespace caffe {

// The gradient of the filters as a sum of outer products. For a row of the
// filters, kernel_w x in_channels values of the input lie side by side; each
// place of the output adds them, times its out_channels gradients:
//
//   gradient[tap][out] += input[place + tap] * top_diff[place][out]
//
// A tile of kTaps x (2 vectors of outputs) stays in registers for a whole row
// of the output.
#ifdef __AVX512F__
static const int kLanes = 16;
static const int kTaps = 12;
#else
static const int kLanes = 8;
static const int kTaps = 6;
#endif
typedef float Lanes __attribute__((
    vector_size(kLanes * sizeof(float)), aligned(4), may_alias));

template <int TAPS, int VECTORS>
static void add_tile(int width, const float* input, int input_step,
    const float* top_diff, int top_step, float* gradient, int gradient_step) {
  Lanes sum[TAPS][VECTORS];
#pragma GCC unroll 12
  for (int t = 0; t < TAPS; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) {
      sum[t][v] = *reinterpret_cast<const Lanes*>(
          gradient + t * gradient_step + v * kLanes);
    }
  }
  for (int x = 0; x < width; ++x) {
    Lanes diff[VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) {
      diff[v] = *reinterpret_cast<const Lanes*>(top_diff + v * kLanes);
    }
#pragma GCC unroll 12
    for (int t = 0; t < TAPS; ++t) {
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; ++v) { sum[t][v] += input[t] * diff[v]; }
    }
    input += input_step;
    top_diff += top_step;
  }
#pragma GCC unroll 12
  for (int t = 0; t < TAPS; ++t) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v) {
      *reinterpret_cast<Lanes*>(
          gradient + t * gradient_step + v * kLanes) = sum[t][v];
    }
  }
}

typedef void (*AddTile)(int, const float*, int, const float*, int, float*, int);

// TAPS is known when compiled, so there is a function for each: add_tile of
// taps and vectors is kAddTile[vectors - 1][taps].
#define TILES(V) { NULL, add_tile<1, V>, add_tile<2, V>, add_tile<3, V>, \
    add_tile<4, V>, add_tile<5, V>, add_tile<6, V>, add_tile<7, V>, \
    add_tile<8, V>, add_tile<9, V>, add_tile<10, V>, add_tile<11, V>, \
    add_tile<12, V> }
static const AddTile kAddTile[2][13] = { TILES(1), TILES(2) };

// An image with a border of zeros, so that no tap has to ask where it is.
static void pad_image(const ConvolutionShape& s, const float* image,
    float* padded) {
  const size_t row = static_cast<size_t>(s.in_width) * s.in_channels;
  const size_t padded_row =
      static_cast<size_t>(s.in_width + 2 * s.pad_w) * s.in_channels;
  for (int y = 0; y < s.in_height; ++y) {
    std::memcpy(padded + (y + s.pad_h) * padded_row + s.pad_w * s.in_channels,
        image + y * row, row * sizeof(float));
  }
}

void add_weight_gradient(const ConvolutionShape& s, const float* bottom,
    const float* top_diff, float* weights_diff) {
  const int in_image = s.in_height * s.in_width * s.in_channels;
  const int padded_row = (s.in_width + 2 * s.pad_w) * s.in_channels;
  const int taps = s.kernel_w * s.in_channels;
  const int outputs = (s.out_channels + kLanes - 1) / kLanes * kLanes;
  const int out_row = s.out_width * s.out_channels;
  std::vector<float> padded((s.in_height + 2 * s.pad_h) * padded_row, 0.f);
  std::vector<float> gradient(s.kernel_h * taps * outputs, 0.f);
  // Whole vectors of outputs are read, so the last one may need room.
  std::vector<float> wide_row(
      outputs == s.out_channels ? 0 : s.out_width * outputs, 0.f);
  for (int n = 0; n < s.num; ++n) {
    pad_image(s, bottom + static_cast<size_t>(n) * in_image, &padded[0]);
    for (int y = 0; y < s.out_height; ++y) {
      const float* diff =
          top_diff + (static_cast<size_t>(n) * s.out_height + y) * out_row;
      if (!wide_row.empty()) {
        for (int x = 0; x < s.out_width; ++x) {
          std::memcpy(&wide_row[x * outputs], diff + x * s.out_channels,
              s.out_channels * sizeof(float));
        }
        diff = &wide_row[0];
      }
      for (int ky = 0; ky < s.kernel_h; ++ky) {
        const float* input = &padded[(y * s.stride_h + ky) * padded_row];
        for (int o = 0; o < outputs; o += 2 * kLanes) {
          const int vectors = std::min(2, (outputs - o) / kLanes);
          for (int t = 0; t < taps; t += kTaps) {
            const int some = std::min(kTaps, taps - t);
            kAddTile[vectors - 1][some](s.out_width,
                input + t, s.stride_w * s.in_channels, diff + o, outputs,
                &gradient[(ky * taps + t) * outputs + o], outputs);
          }
        }
      }
    }
  }
  // From row, column, input, output to Caffe's output, input, row, column
  const int area = s.kernel_h * s.kernel_w;
  for (int k = 0; k < area; ++k) {
    for (int i = 0; i < s.in_channels; ++i) {
      const float* from = &gradient[(k * s.in_channels + i) * outputs];
      for (int o = 0; o < s.out_channels; ++o) {
        weights_diff[(o * s.in_channels + i) * area + k] += from[o];
      }
    }
  }
}

}  // namespace caffe
