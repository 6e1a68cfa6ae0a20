// How the processes of the tools are set up, for what has to be decided before libraries load.
#pragma once

namespace engine::tools {

/// Has idle threads of the OpenMP pool spin for some microseconds only, and then sleep, unless the
/// environment says how long. libgomp's own default, some milliseconds, gains nothing between the
/// loops of a step, and where another process wants the cores it makes a step twenty times slower:
/// the spinning threads use up the time that the working ones wait for. libgomp reads its
/// environment when it is loaded, so the program is executed anew; call this first in main().
void limit_spinning(char** argv);

}  // namespace engine::tools
