// Folders of images by class: train/<class>/*.jpg|jpeg|png, and the same under test/ and
// validation/; or <class>/ folders alone, of whose images every tenth is then for testing. When a
// part is first asked for, all its images are looked through; each is decoded and stretched to the
// size of the model's input when it is read.
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

FolderLayout image_folder_layout();

}  // namespace engine
