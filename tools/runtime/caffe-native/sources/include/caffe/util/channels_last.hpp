// Blobs in the order image, place, channel ("channels last"), in which the
// convolutions of this build compute, and in which the layers between them
// are loops over neighbouring channels. A blob stays in that order from one
// convolution to the next; SyncedMemory puts it into Caffe's own order as soon
// as somebody asks for cpu_data().
#ifndef CAFFE_UTIL_CHANNELS_LAST_HPP_
#define CAFFE_UTIL_CHANNELS_LAST_HPP_

#include <vector>

#include "caffe/blob.hpp"

namespace caffe {

template <typename Dtype>
void to_channels_last(int num, int channels, int places, const Dtype* plain,
    Dtype* last);
template <typename Dtype>
void from_channels_last(int num, int channels, int places, const Dtype* last,
    Dtype* plain);

// Adds to sums the values of each channel, or their products with factors, of
// all images and places. An image's own sum is in float, what they come to in
// double.
void sum_over_places(int num, int channels, int places, const float* values,
    const float* factors, float* sums);

// The data or the diff of a blob, both ways of looking at it.
enum Side { DATA, DIFF };

// Whether a blob has images of channels. Only those of float are put into the
// other order.
template <typename Dtype>
inline bool has_places(const Blob<Dtype>& blob) { return false; }
template <>
inline bool has_places(const Blob<float>& blob) {
  return blob.num_axes() == 4 && blob.count() > 0;
}

template <typename Dtype>
inline int places(const Blob<Dtype>& blob) {
  return blob.shape(2) * blob.shape(3);
}

// Where there is one channel, or one place, both orders are the same.
template <typename Dtype>
inline bool orders_are_one(const Blob<Dtype>& blob) {
  return blob.shape(1) == 1 || places(blob) == 1;
}

// What a blob holds, channels last; NULL where it is in Caffe's order only.
template <typename Dtype>
inline const Dtype* channels_last(Side side, const Blob<Dtype>& blob) {
  if (!has_places(blob)) { return NULL; }
  if (orders_are_one(blob)) {
    return side == DATA ? blob.cpu_data() : blob.cpu_diff();
  }
  const shared_ptr<SyncedMemory>& memory =
      side == DATA ? blob.data() : blob.diff();
  return reinterpret_cast<const Dtype*>(
      memory->channels_last(blob.shape(0), blob.shape(1), places(blob)));
}

// Room for all of a blob, channels last; NULL where it has to be written in
// Caffe's order. A layer that works in place asks for what is there first.
template <typename Dtype>
inline Dtype* mutable_channels_last(Side side, Blob<Dtype>* blob) {
  if (!has_places(*blob)) { return NULL; }
  if (orders_are_one(*blob)) {
    return side == DATA ? blob->mutable_cpu_data() : blob->mutable_cpu_diff();
  }
  const shared_ptr<SyncedMemory>& memory =
      side == DATA ? blob->data() : blob->diff();
  return reinterpret_cast<Dtype*>(memory->mutable_channels_last(
      blob->shape(0), blob->shape(1), places(*blob)));
}

// The same for layers that compute in this order only: where the blob is in
// Caffe's order they work on a copy, in room.
template <typename Dtype>
inline const Dtype* read_channels_last(Side side, const Blob<Dtype>& blob,
    vector<Dtype>* room) {
  const Dtype* last = channels_last(side, blob);
  if (last) { return last; }
  room->resize(blob.count());
  to_channels_last(blob.shape(0), blob.shape(1), places(blob),
      side == DATA ? blob.cpu_data() : blob.cpu_diff(), room->data());
  return room->data();
}

template <typename Dtype>
inline Dtype* write_channels_last(Side side, Blob<Dtype>* blob,
    vector<Dtype>* room) {
  Dtype* last = mutable_channels_last(side, blob);
  if (last) { return last; }
  room->resize(blob->count());
  return room->data();
}

// What write_channels_last() gave has been written: if that was room, it goes
// to the blob.
template <typename Dtype>
inline void put_back(Side side, const Dtype* written,
    const vector<Dtype>& room, Blob<Dtype>* blob) {
  if (written != room.data()) { return; }
  from_channels_last(blob->shape(0), blob->shape(1), places(*blob), written,
      side == DATA ? blob->mutable_cpu_data() : blob->mutable_cpu_diff());
}

}  // namespace caffe

#endif  // CAFFE_UTIL_CHANNELS_LAST_HPP_
