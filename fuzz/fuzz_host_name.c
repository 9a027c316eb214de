/* SPDX-License-Identifier: Apache-2.0 */
/* Host names: normalising once is enough, and what matches itself is valid. */
#include <stdint.h>

#include "base/bug.h"
#include "proto/host_name.h"
#include "proto/sts_match.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data, size };
	struct arena *a = arena_must(0);
	struct str name, again;
	struct err e = {};

	(void)sts_pattern_valid(s);
	if (host_name_parse(a, s, &name, &e) == ST_OK) {
		BUG(host_is_address(name));
		BUG(name.n > HOST_NAME_BYTES_MAX);
		BUG(host_name_parse(a, name, &again, NULL) != ST_OK);
		BUG(!str_eq(name, again));
		BUG(!sts_match(name, name) || !sts_pattern_valid(name));
		BUG(!host_name_under(name, name));
	} else {
		BUG(e.text[0] == '\0');
	}
	arena_free(&a);
	return 0;
}
