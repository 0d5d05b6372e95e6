// Retrieval: how well nearness of codes finds samples of the same label. Exact Hamming ranking of
// the whole database for each query; a hit is a database sample with the query's label.
//
// Samples at equal distance have no order. Average precision is therefore the mean over all orders
// within equal distances (McSherry & Najork 2008), with the least and the largest that some order
// gives beside it; precision at k likewise is its mean over orders.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/codes/packed_codes.hpp"

namespace aesweep {

// Of one query. Average precision is divided by the number of hits in the database; a query
// without any has 0 for it.
struct QueryScores {
  double average_precision = 0.0;
  double average_precision_worst = 0.0;
  double average_precision_best = 0.0;
  double precision_100 = 0.0;  // Of the nearest 100 (of all, in a smaller database).
  double precision_500 = 0.0;
  double precision_radius = 0.0;  // Of those within the radius; 0 where there are none.
  bool empty = false;             // There are none within the radius.
};

// Means over queries, added in the order of the queries.
struct RetrievalScores {
  double map = 0.0;
  double map_worst = 0.0;
  double map_best = 0.0;
  double precision_100 = 0.0;
  double precision_500 = 0.0;
  double precision_radius = 0.0;  // Queries with nothing within the radius count as 0.
  std::int64_t empty_queries = 0;
};

// Of queries [first, first + scores.size()). Labels have one entry per row. The codes have as many
// bits. One thread; `progress` is called after each query and may be empty.
void score_queries(const PackedCodes& queries, std::span<const std::int32_t> query_labels,
                   const PackedCodes& database, std::span<const std::int32_t> database_labels,
                   std::int64_t radius, std::int64_t first, std::span<QueryScores> scores,
                   const std::function<void()>& progress = {});

[[nodiscard]] RetrievalScores mean_scores(std::span<const QueryScores> scores);

}  // namespace aesweep
