// bAbI: 20 tasks, each a question about a story that one word answers. An observation is the story
// up to the question and the question, each in a segment as long as the longest of the task, the
// label is the token of the answer. Tokens are those of all words of the task, training and test.
#pragma once

#include "models/data/folder_layout.h"

namespace engine {

FolderLayout babi_layout();

}  // namespace engine
