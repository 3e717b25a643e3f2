#ifndef CAFFE_UTIL_WEIGHT_GRADIENT_HPP_
#define CAFFE_UTIL_WEIGHT_GRADIENT_HPP_

#include "caffe/util/onednn_convolution.hpp"

namespace caffe {

// Adds the gradient of a convolution's filters to weights_diff; images in the
// order image, place, channel. For processors on which oneDNN has nothing
// better.
void add_weight_gradient(const ConvolutionShape& shape, const float* bottom,
    const float* top_diff, float* weights_diff);

}  // namespace caffe

#endif  // CAFFE_UTIL_WEIGHT_GRADIENT_HPP_
