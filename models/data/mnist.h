// A folder in the layout of MNIST (and Fashion-MNIST, KMNIST, …): four IDX files, each plain or
// gzip. The shape of the images must read as what the model expects, see reads_as().
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

FolderLayout mnist_layout();

}  // namespace engine
