/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap: any bytes of a server, in pieces of the size that the first byte says.
 * However they are cut, the same responses come out; all are parsed.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/imap.h"

#include "base/poison.h"

#define MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct str part, struct str whole)
{
	return part.n == 0 ||
	       (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void look(struct arena *a, struct str text)
{
	struct imap_response r;

	if (imap_response_parse(a, text, &r, NULL) != ST_OK)
		return;
	BUG(!is_within(r.tag, text) || !is_within(r.code, text) ||
		!is_within(r.text, text));
	BUG(r.mail.body.n > text.n);
	(void)imap_is_set(r.text);
	(void)imap_code_number(r.code, STR("UIDVALIDITY"));
}

static struct sbuf run(struct arena *a, struct str text, size_t step)
{
	struct sbuf out = sbuf_arena(a, 1u << 24);
	struct imap_reader r;

	imap_reader_init(&r, a, MAX_BYTES);
	for (; text.n > 0; text = str_from(text, step)) {
		struct str in = str_upto(text, step);

		while (in.n > 0) {
			enum status st = imap_reader_take(&r, &in);

			if (st != ST_OK && st != ST_AGAIN)
				return out;
			if (st == ST_AGAIN)
				continue;
			look(a, sbuf_str(&r.text));
			sbuf_add(&out, sbuf_str(&r.text));
			sbuf_addc(&out, '|');
			imap_reader_init(&r, a, MAX_BYTES);
		}
	}
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must(0);
	struct str in = { (const char *)data + 1, size - 1 };
	struct sbuf once, cut;

	if (size > 0) {
		once = run(a, in, 1);
		cut = run(a, in, 1u + data[0]);
		BUG(!str_eq(sbuf_str(&once), sbuf_str(&cut)));
	}
	arena_free(&a);
	return 0;
}
