// A two-dimensional convolution of float32 by oneDNN, on images in the order
// image, place, channel (see channels_last.hpp). Filters are in Caffe's order:
// output channel, input channel, row, column.
#ifndef CAFFE_UTIL_ONEDNN_CONVOLUTION_HPP_
#define CAFFE_UTIL_ONEDNN_CONVOLUTION_HPP_

#include <boost/shared_ptr.hpp>

namespace caffe {

struct ConvolutionShape {
  int num;
  int in_channels, in_height, in_width;
  int out_channels, out_height, out_width;
  int kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;

  bool operator==(const ConvolutionShape& other) const;
};

class OnednnConvolution {
 public:
  explicit OnednnConvolution(const ConvolutionShape& shape);
  const ConvolutionShape& shape() const { return shape_; }

  // bias may be NULL.
  void Forward(const float* bottom, const float* weights, const float* bias,
      float* top);
  void BackwardData(const float* top_diff, const float* weights,
      float* bottom_diff);
  // Adds to what weights_diff holds, as Caffe's layers do.
  void BackwardWeights(const float* bottom, const float* top_diff,
      float* weights_diff);
  void BackwardBias(const float* top_diff, float* bias_diff);

 private:
  struct Primitives;
  ConvolutionShape shape_;
  boost::shared_ptr<Primitives> primitives_;
};

}  // namespace caffe

#endif  // CAFFE_UTIL_ONEDNN_CONVOLUTION_HPP_
