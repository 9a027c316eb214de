/* SPDX-License-Identifier: Apache-2.0 */
/* json: what was read and written reads again and is written the same. */
#include <stdint.h>

#include "base/bug.h"
#include "base/json.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_tree(
	struct arena *a, const struct json *v, unsigned indent)
{
	struct sbuf out = sbuf_arena(a, 1u << 26);
	struct json_writer w = json_writer_of(&out, indent);

	json_put_tree(&w, NULL, v);
	BUG(!sbuf_ok(&out));
	return sbuf_str(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct json *v = NULL, *w = NULL;
	struct str text;
	struct err e;

	if (json_parse(a, (struct str){ (const char *)data, size },
		    JSON_LIMITS_DEFAULT, &v, NULL, &e) == ST_OK) {
		text = write_tree(a, v, 0);
		BUG(json_parse(a, text, JSON_LIMITS_DEFAULT, &w, NULL, &e) !=
			ST_OK);
		BUG(!str_eq(write_tree(a, w, 0), text));
		text = write_tree(a, v, 1);
		BUG(json_parse(a, text, JSON_LIMITS_DEFAULT, &w, NULL, &e) !=
			ST_OK);
	}
	arena_free(&a);
	return 0;
}
