/* SPDX-License-Identifier: Apache-2.0 */
/* stub_settings: the words of a list, each cut in two. */
#include "api/stub_settings.h"

#include "api/settings.h"
#include "base/bug.h"

#include "base/poison.h"

struct resolver_stub *stub_settings_read(
	const struct settings *set, const char *key, struct arena *a, size_t *n)
{
	const struct str *list = settings_list(set, key, n);
	struct resolver_stub *out = arena_array(a, *n, sizeof(*out));

	BUG(out == NULL);
	for (size_t i = 0; i < *n; i++) {
		out[i].server = list[i];
		out[i].zone = str_cut(&out[i].server, '=');
	}
	return out;
}
