// Element-wise functions of two operands, broadcast as in NumPy; see kernels/binary.h.
#pragma once

#include <memory>

#include "graph/op.h"

namespace engine::ops {

using OpPointer = std::shared_ptr<const graph::Op>;

OpPointer add();
OpPointer subtract();
OpPointer multiply();
OpPointer divide();
OpPointer maximum();        ///< in a tie the gradient goes to the first operand
OpPointer minimum();        ///< likewise
OpPointer greater_equal();  ///< 1 or 0; has no gradient
OpPointer less();           ///< 1 or 0; has no gradient

}  // namespace engine::ops
