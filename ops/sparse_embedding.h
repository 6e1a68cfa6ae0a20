// The rewrite that lets Adam touch only the rows of an embedding that a batch uses
// (kernels/deferred_adam.h). A step then has, of a table f32[V, D] and K tokens,
//
//   tokens ─▶ renumber_tokens ─▶ rows, numbers, places           at most N = min(V, K) rows
//   table, moments, rows ─▶ deferred_adam_rows ─▶ current x 3    f32[N, D], caught up
//   current parameter, numbers ─▶ embedding ─▶ … ─▶ embedding_gradient ─▶ f32[N, D]
//   table, moments, current x 3, gradient, places ─▶ deferred_adam ─▶ table, moments, in place
//
// in place of an embedding, its gradient and an update over the whole table; all bits stay the
// same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/ir.h"

namespace engine::ops {

/// Elements of a table below which it stays dense: the whole of it costs less than these launches.
inline constexpr std::int64_t kFewestSparseElements = std::int64_t{1} << 16;
/// Updates that may be put off.
inline constexpr std::int64_t kDeferredUpdates = 1024;

/// Rewrites every embedding in a training step whose table an adam node updates, and returns a line
/// for each: what is done, or why the table stays dense. That is where it is small, where gradients
/// are accumulated or clipped by their norm (which are sums over whole tables, in their order), and
/// where anything else reads the table or its gradient. The rule does not depend on the batch, so
/// all programs of a run agree.
std::vector<std::string> defer_embedding_updates(graph::Graph& graph);

/// The graph that makes up for all updates put off by programs like `step`, after its passes: to be
/// run before anybody looks at parameters or moments. Nothing where none are.
std::optional<graph::Graph> settling_graph(const graph::Graph& step);

}  // namespace engine::ops
