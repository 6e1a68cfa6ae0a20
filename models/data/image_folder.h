// Folders of images by class: train/<class>/*.jpg|jpeg|png, and the same under test/ and
// validation/; or <class>/ folders alone, of whose images every tenth is then for testing. Images
// are decoded when a part is first asked for, by all threads, stretched to the size of the model's
// input, and kept as bytes.
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

FolderLayout image_folder_layout();

}  // namespace engine
