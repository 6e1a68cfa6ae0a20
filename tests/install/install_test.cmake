# Installs the build, moves the tree to another place, with a space in its name, and builds and runs
# the examples there as an application's author would.
function(run)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUTPUT" "COMMAND;ENVIRONMENT")
  execute_process(COMMAND ${CMAKE_COMMAND} -E env --unset=LD_LIBRARY_PATH
    --unset=ENGINE_PLUGIN_CUDA XDG_CACHE_HOME=${WORK}/cache GOMP_SPINCOUNT=2000
    ${arg_ENVIRONMENT} ${arg_COMMAND}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN arg_COMMAND " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  message("${output}")
  if(arg_OUTPUT)
    set(${arg_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/installed)
set(tree "${WORK}/moved tree")
file(RENAME ${WORK}/installed ${tree})

# A tool, out of its place, with nothing of the build folder around.
run(COMMAND ${tree}/bin/engine-profile doctor)
run(COMMAND ${tree}/bin/engine-train fit mnist-mlp --data synthetic:600 --epochs 2 --device cpu
  --quiet --out ${WORK}/run)

function(build_example name)
  run(COMMAND ${CMAKE_COMMAND} -S ${EXAMPLES}/${name} -B ${WORK}/${name} -G ${GENERATOR}
    -DCMAKE_PREFIX_PATH=${tree} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release
    "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror" ${ARGN})
  run(COMMAND ${CMAKE_COMMAND} --build ${WORK}/${name})
endfunction()

build_example(spirals)
run(COMMAND ${WORK}/spirals/spirals ${WORK}/spirals-run cpu)

build_example(sequences)
run(COMMAND ${WORK}/sequences/sequences ${WORK}/sequences-run cpu)

build_example(predict)
run(COMMAND ${WORK}/predict/predict mnist-mlp ${WORK}/run/checkpoints/last.safetensors
  OUTPUT predicted)
string(REGEX MATCHALL "[0-9]\n" lines "${predicted}")
list(LENGTH lines count)
if(NOT count EQUAL 10)
  message(FATAL_ERROR "expected 10 predictions")
endif()

# Both images, and a score that rises: of a class, and of a channel.
build_example(deep_dream)
run(COMMAND ${WORK}/deep_dream/deep_dream ${WORK}/dream-class cpu)
run(COMMAND ${WORK}/deep_dream/deep_dream ${WORK}/dream-channel cpu convolution_2 3)
foreach(image dream-class/before.png dream-class/after.png dream-channel/after.png)
  if(NOT EXISTS ${WORK}/${image})
    message(FATAL_ERROR "deep_dream wrote no ${image}")
  endif()
endforeach()

# With its CUDA kernels where nvcc is.
build_example(custom_op)
run(COMMAND ${WORK}/custom_op/custom_op ${WORK}/custom-run cpu)

# Without CMake.
find_program(PKG_CONFIG pkg-config)
if(PKG_CONFIG)
  run(COMMAND ${PKG_CONFIG} --cflags --libs libengine
    ENVIRONMENT "PKG_CONFIG_PATH=${tree}/lib/pkgconfig" OUTPUT flags)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run(COMMAND ${CXX} -std=c++20 -O1 ${EXAMPLES}/predict/main.cpp -o ${WORK}/plain ${flags})
endif()
