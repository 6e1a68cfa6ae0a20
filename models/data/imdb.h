// aclImdb: film reviews that are negative or positive, one a file. Read once, then from a cache.
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

FolderLayout imdb_layout();

}  // namespace engine
