#include <cstring>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "caffe/util/channels_last.hpp"
#include "caffe/util/onednn_convolution.hpp"
#include "caffe/util/weight_gradient.hpp"

namespace caffe {

using dnnl::memory;

bool ConvolutionShape::operator==(const ConvolutionShape& other) const {
  return std::memcmp(this, &other, sizeof(*this)) == 0;  // ints alone
}

// One processor and one stream for all layers. oneDNN takes the widest
// instructions that the processor has, and as many threads as OpenMP is given.
static const dnnl::engine& processor() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

static dnnl::stream& stream() {
  static dnnl::stream stream(processor());
  return stream;
}

static memory::desc array(const memory::dims& dims, memory::format_tag order) {
  return memory::desc(dims, memory::data_type::f32, order);
}

static memory at(const memory::desc& desc, const float* values) {
  return memory(desc, processor(), const_cast<float*>(values));
}

// Filters in the order that a primitive asks for. They are put into it again
// only when they differ from those of the last time: a comparison costs less
// than the reorder, and sees whatever changed them.
class Filters {
 public:
  Filters(const memory::desc& plain, const memory::desc& wanted)
      : plain_(plain), arranged_(wanted, processor()) {}

  const memory& of(const float* weights) {
    const size_t bytes = plain_.get_size();
    if (last_.empty() || std::memcmp(&last_[0], weights, bytes) != 0) {
      last_.assign(weights, weights + bytes / sizeof(float));
      memory from = at(plain_, weights);
      dnnl::reorder(from, arranged_).execute(stream(), from, arranged_);
    }
    return arranged_;
  }

 private:
  memory::desc plain_;
  memory arranged_;
  std::vector<float> last_;
};

struct OnednnConvolution::Primitives {
  explicit Primitives(const ConvolutionShape& s);

  memory::desc bottom, top, bias, filters;
  memory::dims strides, pad_before, pad_after;
  // Each is made when it is first asked for: a first layer needs no gradient
  // of its data.
  dnnl::convolution_forward::primitive_desc forward_desc;
  dnnl::convolution_forward forward;
  boost::shared_ptr<Filters> forward_filters;
  std::vector<float> no_bias;
  dnnl::convolution_backward_data backward_data;
  boost::shared_ptr<Filters> backward_filters;
  dnnl::convolution_backward_weights backward_weights;
  memory arranged_gradient;
  std::vector<float> gradient;
};

OnednnConvolution::Primitives::Primitives(const ConvolutionShape& s)
    : bottom(array({s.num, s.in_channels, s.in_height, s.in_width},
          memory::format_tag::nhwc)),
      top(array({s.num, s.out_channels, s.out_height, s.out_width},
          memory::format_tag::nhwc)),
      bias(array({s.out_channels}, memory::format_tag::a)),
      filters(array({s.out_channels, s.in_channels, s.kernel_h, s.kernel_w},
          memory::format_tag::oihw)),
      strides({s.stride_h, s.stride_w}), pad_before({s.pad_h, s.pad_w}),
      // what the last place needs, which is less where a stride leaves a rest
      pad_after({(s.out_height - 1) * s.stride_h + s.kernel_h
          - s.in_height - s.pad_h, (s.out_width - 1) * s.stride_w + s.kernel_w
          - s.in_width - s.pad_w}) {
}

// The order of filters is the primitive's choice.
static memory::desc free_order(const memory::desc& filters) {
  return array(filters.get_dims(), memory::format_tag::any);
}

static const dnnl::algorithm kDirect = dnnl::algorithm::convolution_direct;

OnednnConvolution::OnednnConvolution(const ConvolutionShape& shape)
    : shape_(shape), primitives_(new Primitives(shape)) {
  Primitives& p = *primitives_;
  p.forward_desc = dnnl::convolution_forward::primitive_desc(processor(),
      dnnl::prop_kind::forward_training, kDirect, p.bottom,
      free_order(p.filters), p.bias, p.top, p.strides, p.pad_before,
      p.pad_after);
}

void OnednnConvolution::Forward(const float* bottom, const float* weights,
    const float* bias, float* top) {
  Primitives& p = *primitives_;
  if (!p.forward_filters) {
    p.forward = dnnl::convolution_forward(p.forward_desc);
    p.forward_filters.reset(
        new Filters(p.filters, p.forward_desc.weights_desc()));
    p.no_bias.assign(shape_.out_channels, 0.f);
  }
  p.forward.execute(stream(), {
      {DNNL_ARG_SRC, at(p.bottom, bottom)},
      {DNNL_ARG_WEIGHTS, p.forward_filters->of(weights)},
      {DNNL_ARG_BIAS, at(p.bias, bias ? bias : &p.no_bias[0])},
      {DNNL_ARG_DST, at(p.top, top)}});
}

void OnednnConvolution::BackwardData(const float* top_diff,
    const float* weights, float* bottom_diff) {
  Primitives& p = *primitives_;
  if (!p.backward_filters) {
    dnnl::convolution_backward_data::primitive_desc desc(processor(), kDirect,
        p.bottom, free_order(p.filters), p.top, p.strides, p.pad_before,
        p.pad_after, p.forward_desc);
    p.backward_data = dnnl::convolution_backward_data(desc);
    p.backward_filters.reset(new Filters(p.filters, desc.weights_desc()));
  }
  p.backward_data.execute(stream(), {
      {DNNL_ARG_DIFF_SRC, at(p.bottom, bottom_diff)},
      {DNNL_ARG_WEIGHTS, p.backward_filters->of(weights)},
      {DNNL_ARG_DIFF_DST, at(p.top, top_diff)}});
}

// oneDNN's own is the faster one with the instructions of AVX-512 alone: with
// AVX2 it comes to 40 to 60 % of what add_weight_gradient() does.
static bool has_fast_weight_gradient() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return (static_cast<unsigned>(isa) &
      static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
      static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
}

void OnednnConvolution::BackwardWeights(const float* bottom,
    const float* top_diff, float* weights_diff) {
  if (!has_fast_weight_gradient() || shape_.in_channels < 8) {
    add_weight_gradient(shape_, bottom, top_diff, weights_diff);
    return;
  }
  Primitives& p = *primitives_;
  if (!p.backward_weights) {
    dnnl::convolution_backward_weights::primitive_desc desc(processor(),
        kDirect, p.bottom, free_order(p.filters), p.top, p.strides,
        p.pad_before, p.pad_after, p.forward_desc);
    p.backward_weights = dnnl::convolution_backward_weights(desc);
    p.arranged_gradient = memory(desc.diff_weights_desc(), processor());
    p.gradient.resize(p.filters.get_size() / sizeof(float));
  }
  p.backward_weights.execute(stream(), {
      {DNNL_ARG_SRC, at(p.bottom, bottom)},
      {DNNL_ARG_DIFF_WEIGHTS, p.arranged_gradient},
      {DNNL_ARG_DIFF_DST, at(p.top, top_diff)}});
  memory plain = at(p.filters, &p.gradient[0]);
  dnnl::reorder(p.arranged_gradient, plain).execute(stream(),
      p.arranged_gradient, plain);
  for (size_t i = 0; i < p.gradient.size(); ++i) {
    weights_diff[i] += p.gradient[i];
  }
}

void OnednnConvolution::BackwardBias(const float* top_diff, float* bias_diff) {
  sum_over_places(shape_.num, shape_.out_channels,
      shape_.out_height * shape_.out_width, top_diff, NULL, bias_diff);
}

}  // namespace caffe
