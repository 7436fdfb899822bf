// The stream that CUDA launchers take.
#ifndef HARNESS_KERNELS_DEVICE_CUDA_STREAM_H_
#define HARNESS_KERNELS_DEVICE_CUDA_STREAM_H_

// As in driver_types.h, so that hosts need no CUDA header for this one.
typedef struct CUstream_st* cudaStream_t;

#endif  // HARNESS_KERNELS_DEVICE_CUDA_STREAM_H_
