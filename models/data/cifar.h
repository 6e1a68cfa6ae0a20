// Folders in the layout of the binary versions of CIFAR-10 and CIFAR-100, or those that hold the
// folder which their archives unpack to. Observations are [3, 32, 32]; of CIFAR-100's two labels it
// is the fine one that counts.
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

/// data_batch_1.bin … data_batch_5.bin, test_batch.bin
FolderLayout cifar10_layout();
/// train.bin, test.bin
FolderLayout cifar100_layout();

}  // namespace engine
