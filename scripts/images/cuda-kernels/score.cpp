// ggml loads, of several builds of a backend, the one whose score is highest, and none whose score is 0; without any it
// loads the one that has no score, which is node-llama-cpp's.
#include <cuda_runtime_api.h>

namespace {

int capability(int device) {
    int major = 0;
    int minor = 0;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) != cudaSuccess) {
        return 0;
    }
    return 10 * major + minor;
}

} // namespace

// Whether every GPU of this container is of the architecture that this build is for: one build serves them all.
extern "C" __attribute__((visibility("default"))) int ggml_backend_score() {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess) {
        return 0;
    }
    for (int device = 0; device < devices; device++) {
        if (capability(device) != CAPABILITY) {
            return 0;
        }
    }
    return devices > 0 ? 1 : 0;
}
