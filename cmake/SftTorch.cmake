# sft::torch: LibTorch out of the PyPI wheel, by our own imported targets.
#
# find_package(Torch) is not used: the wheel's configuration wants a CUDA
# toolkit even for a CPU program. Linked are libtorch_cpu and libc10, and with
# SFT_WITH_CUDA also libtorch_cuda; CMake writes their folder into the RUNPATH.

set(SFT_TORCH_ROOT "" CACHE PATH
  "site-packages/torch, or an unpacked libtorch (default: the one in .venv)")
if(NOT SFT_TORCH_ROOT)
  file(GLOB _roots "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(_roots)
    list(GET _roots 0 _root)
    set_property(CACHE SFT_TORCH_ROOT PROPERTY VALUE "${_root}")
  endif()
endif()
if(NOT EXISTS "${SFT_TORCH_ROOT}/include/ATen/ATen.h")
  message(FATAL_ERROR
    "No LibTorch in SFT_TORCH_ROOT='${SFT_TORCH_ROOT}': run ./setup.sh")
endif()

function(_sft_import_torch_library name)
  add_library(sft::${name} SHARED IMPORTED)
  set_target_properties(sft::${name} PROPERTIES
    IMPORTED_LOCATION "${SFT_TORCH_ROOT}/lib/lib${name}.so")
endfunction()

add_library(sft_torch_libs INTERFACE)
add_library(sft::torch ALIAS sft_torch_libs)
_sft_import_torch_library(c10)
_sft_import_torch_library(torch_cpu)
target_include_directories(sft_torch_libs SYSTEM INTERFACE
  "${SFT_TORCH_ROOT}/include"
  "${SFT_TORCH_ROOT}/include/torch/csrc/api/include")
target_link_libraries(sft_torch_libs INTERFACE sft::torch_cpu sft::c10)
# Without -fopenmp at::parallel_for is silently serial. The loader takes the one
# libgomp that lies beside libtorch_cpu.
target_compile_options(sft_torch_libs INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_options(sft_torch_libs INTERFACE -fopenmp)

if(SFT_WITH_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)   # must come before enable_language
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 100)
  endif()
  # The default is Static: a second CUDA runtime in the process.
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  enable_language(CUDA)
  find_package(CUDAToolkit 13.0 REQUIRED)
  _sft_import_torch_library(c10_cuda)
  _sft_import_torch_library(torch_cuda)
  # No object names a symbol of libtorch_cuda; without --no-as-needed ld may
  # drop it, and CUDA is then "not available".
  target_link_libraries(sft_torch_libs INTERFACE sft::c10_cuda
    -Wl,--push-state,--no-as-needed sft::torch_cuda -Wl,--pop-state
    $<LINK_ONLY:CUDA::cudart>)
  # What the kernels' glue sees of CUDA. All else compiles as it does without,
  # so that turning a build folder's CUDA on compiles a few files alone.
  add_library(sft_torch_cuda INTERFACE)
  add_library(sft::torch_cuda_headers ALIAS sft_torch_cuda)
  target_compile_definitions(sft_torch_cuda INTERFACE SFT_WITH_CUDA)
  target_link_libraries(sft_torch_cuda INTERFACE CUDA::cudart)
endif()

# One precompiled header for the libraries and one for the tests (programs are
# compiled with -fPIE, and Catch2 must come behind LibTorch).
# sft_precompile_torch(<target> [TEST])
option(SFT_PRECOMPILE "Read LibTorch's headers once" ON)
# Tests compile in two thirds of the time so, and what they call is optimized.
set(SFT_TEST_OPTIONS -O1)
function(sft_precompile_torch target)
  cmake_parse_arguments(ARG "TEST" "" "" ${ARGN})
  if(NOT SFT_PRECOMPILE)
    return()
  endif()
  set(_holder sft_torch_headers)
  set(_header "${PROJECT_SOURCE_DIR}/cmake/torch_headers.h")
  if(ARG_TEST)
    set(_holder sft_torch_test_headers)
    list(APPEND _header "${PROJECT_SOURCE_DIR}/tests/support/catch_torch.h")
  endif()
  if(NOT TARGET ${_holder})
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/${_holder}.cc"
      CONTENT "int main() { return 0; }\n")
    if(ARG_TEST)
      add_executable(${_holder} "${PROJECT_BINARY_DIR}/generated/${_holder}.cc")
    else()
      add_library(${_holder} STATIC
        "${PROJECT_BINARY_DIR}/generated/${_holder}.cc")
    endif()
    if(ARG_TEST)
      target_compile_options(${_holder} PRIVATE ${SFT_TEST_OPTIONS})
    endif()
    target_link_libraries(${_holder} PRIVATE sft_absl sft::torch)
    target_precompile_headers(${_holder} PRIVATE ${_header})
  endif()
  target_precompile_headers(${target} REUSE_FROM ${_holder})
endfunction()
