/* SPDX-License-Identifier: Apache-2.0 */
/* dane: RFC 7672 section 2.2. */
#include "proto/dane.h"

#include "base/poison.h"

const char *dane_state_name(enum dane_state s)
{
	static const char *const names[] = {
		[DANE_TEMP] = "temp",
		[DANE_ALL] = "all",
		[DANE_SOME] = "some",
		[DANE_ABSENT] = "absent",
		[DANE_OFF] = "off",
	};

	return names[s];
}

const char *dane_host_name(enum dane_host h)
{
	static const char *const names[] = {
		[DANE_HOST_UNKNOWN] = "unknown",
		[DANE_HOST_USABLE] = "usable",
		[DANE_HOST_UNUSABLE] = "unusable",
		[DANE_HOST_NONE] = "none",
		[DANE_HOST_TEMP] = "temp",
		[DANE_HOST_BROKEN] = "broken",
		[DANE_HOST_NO_ADDRESS] = "no-address",
	};

	return names[h];
}

const char *dane_outcome_name(enum dane_outcome o)
{
	static const char *const names[] = {
		[DANE_LOOKUP_FOUND] = "found",
		[DANE_LOOKUP_NODATA] = "nodata",
		[DANE_LOOKUP_NXDOMAIN] = "nxdomain",
		[DANE_LOOKUP_BOGUS] = "bogus",
		[DANE_LOOKUP_FAILED] = "failed",
	};

	return names[o];
}

/*
 * Hosts without an address, or whose address cannot be learnt, count only when
 * there is no other: no mail goes there, so they must not hold up the rest. But
 * the latter may have TLSA records, and be reached a moment later: whoever has
 * look-ups fail must not have that taken for proof that they have none.
 */
enum dane_state dane_state_of(const struct mx_host *mx, size_t n)
{
	size_t count[DANE_HOST_NO_ADDRESS + 1] = {}, asked;

	for (size_t i = 0; i < n; i++)
		count[mx[i].dane]++;
	asked = count[DANE_HOST_USABLE] + count[DANE_HOST_UNUSABLE] +
		count[DANE_HOST_NONE] + count[DANE_HOST_TEMP];
	if (asked == 0)
		return count[DANE_HOST_BROKEN] > 0 ? DANE_TEMP : DANE_ABSENT;
	if (count[DANE_HOST_USABLE] == asked)
		return DANE_ALL;
	if (count[DANE_HOST_TEMP] == asked)
		return DANE_TEMP;
	return count[DANE_HOST_NONE] == asked && count[DANE_HOST_BROKEN] == 0
		       ? DANE_ABSENT
		       : DANE_SOME;
}
