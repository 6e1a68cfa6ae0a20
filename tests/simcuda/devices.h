// How many simulated devices there are, and which one this host thread uses.
#pragma once

namespace simcuda {

constexpr int compute_capability_major = 9;
constexpr int compute_capability_minor = 0;
constexpr int multiprocessors = 132;

int device_count();
void set_device_count(int count);
int current_device();

}  // namespace simcuda
