/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_id: the id of a policy (RFC 8461 section 3.1), a UTC timestamp. It
 * changes exactly when the policy does, and ids of one domain always grow.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* The id for a policy made at now, given the one before (may be empty). */
struct str policy_id_next(struct arena *a, struct str before, int64_t now);
