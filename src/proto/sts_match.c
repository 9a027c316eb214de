/* SPDX-License-Identifier: Apache-2.0 */
/* sts_match: RFC 8461 section 4.1, the wildcard is the whole left-most label.
 */
#include "proto/host_name.h"
#include "proto/sts_match.h"

#include "base/poison.h"

bool sts_match(struct str host, struct str pattern)
{
	ptrdiff_t dot;

	if (!str_starts(pattern, STR("*.")))
		return host.n > 0 && str_eq_nocase(host, pattern);
	dot = str_index(host, '.');
	return dot > 0 &&
	       str_eq_nocase(str_from(host, (size_t)dot), str_from(pattern, 1));
}

ptrdiff_t sts_match_any(struct str host, const struct str *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sts_match(host, patterns[i]))
			return (ptrdiff_t)i;
	return -1;
}

bool sts_pattern_valid(struct str s)
{
	if (str_starts(s, STR("*.")))
		s = str_from(s, 2);
	return host_name_fault(s) == HOST_NAME_GOOD;
}
