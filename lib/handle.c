/* SPDX-License-Identifier: Apache-2.0 */
/* handle: from the inner world of slices to the outer one of C strings. */
#include <string.h>

#include "lib/handle.h"

#include "base/poison.h"

const char *moat_version(void)
{
	return MOAT_VERSION;
}

void *handle_new(size_t size)
{
	struct arena *a = arena_new(0);
	struct arena **h = NULL;

	if (a != NULL)
		h = arena_alloc(a, size);
	if (h != NULL)
		*h = a;
	else
		arena_free(&a);
	return h;
}

enum moat_status handle_status(
	enum status st, const struct err *e, struct moat_error *err)
{
	if (st == ST_OK)
		return MOAT_OK;
	_Static_assert(sizeof(err->text) == sizeof(e->text), "one size");
	if (err != NULL)
		memcpy(err->text, e->text, sizeof(err->text));
	if (st == ST_NOTFOUND)
		return MOAT_NONE;
	return st == ST_LIMIT ? MOAT_LIMIT : MOAT_INVALID;
}

const char *handle_text(struct arena *a, struct str s, int *failed)
{
	struct str copy;

	if (s.p == NULL)
		return NULL;
	copy = arena_str(a, s);
	if (copy.p == NULL)
		*failed = 1;
	return copy.p;
}

struct str *handle_strs(struct arena *a, const char *const *texts, size_t n)
{
	struct str *out = arena_array(a, n, sizeof(*out));

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = str_of(texts[i]);
	return out;
}
