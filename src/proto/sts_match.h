/* SPDX-License-Identifier: Apache-2.0 */
/* sts_match: does an MX host match a policy's patterns (RFC 8461 section 4.1)?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * true when host equals pattern, or pattern is "*." and a domain, and host is
 * exactly one label below that domain. Compares without case; host and pattern
 * are valid and without trailing dot.
 */
bool sts_match(struct str host, struct str pattern);

/* The index of the first pattern that matches, or -1. */
ptrdiff_t sts_match_any(struct str host, const struct str *patterns, size_t n);

/* Is s a pattern: a host name, or "*." and a host name (section 3.2)? */
bool sts_pattern_valid(struct str s);
