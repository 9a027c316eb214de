/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/parser_laws.h"
#include "tests/testing.h"

#include <zlib.h>

#include "base/bug.h"
#include "base/sbuf.h"
#include "io/zip.h"

#include "base/poison.h"

#define LIMITS ((struct gzip_limits){ 100000, 100, 10000 })

struct part {
	const char *name;
	struct str bytes;
	bool deflated;
	unsigned flags;
};

static void put16(struct sbuf *b, unsigned v)
{
	sbuf_addc(b, (char)(v & 0xff));
	sbuf_addc(b, (char)(v >> 8));
}

static void put32(struct sbuf *b, size_t v)
{
	put16(b, (unsigned)(v & 0xffff));
	put16(b, (unsigned)(v >> 16));
}

static struct str deflate_all(struct arena *a, struct str in)
{
	z_stream z = {};
	unsigned char *p;

	BUG(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK);
	p = arena_alloc(a, in.n + 100);
	z.next_in = (z_const Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = p;
	z.avail_out = (uInt)in.n + 100;
	BUG(deflate(&z, Z_FINISH) != Z_STREAM_END);
	(void)deflateEnd(&z);
	return (struct str){ (char *)p, z.total_out };
}

static void put_name(struct sbuf *b, const struct part *p, struct str packed)
{
	put16(b, p->flags);
	put16(b, p->deflated ? 8 : 0);
	put32(b, 0); /* time */
	put32(b, 0); /* checksum */
	put32(b, packed.n);
	put32(b, p->bytes.n);
	put16(b, (unsigned)strlen(p->name));
	put16(b, 0);
}

/* Directory entries of the parts; each may stand there several times. */
static struct str archive(
	struct arena *a, const struct part *parts, size_t n, unsigned times)
{
	struct sbuf b = sbuf_arena(a, 1u << 24), dir = sbuf_arena(a, 1u << 20);
	size_t at;

	for (size_t i = 0; i < n; i++) {
		const struct part *p = &parts[i];
		struct str packed = p->deflated ? deflate_all(a, p->bytes)
						: p->bytes;

		at = b.n;
		sbuf_addz(&b, "PK\x03\x04");
		put16(&b, 20);
		put_name(&b, p, packed);
		sbuf_addz(&b, p->name);
		sbuf_add(&b, packed);
		for (unsigned k = 0; k < times; k++) {
			sbuf_addz(&dir, "PK\x01\x02");
			put16(&dir, 20);
			put16(&dir, 20);
			put_name(&dir, p, packed);
			put16(&dir, 0);
			put32(&dir, 0);
			put32(&dir, 0);
			put32(&dir, at);
			sbuf_addz(&dir, p->name);
		}
	}
	at = b.n;
	sbuf_add(&b, sbuf_str(&dir));
	sbuf_addz(&b, "PK\x05\x06");
	put32(&b, 0);
	put16(&b, (unsigned)n * times);
	put16(&b, (unsigned)n * times);
	put32(&b, dir.n);
	put32(&b, at);
	put16(&b, 0);
	return sbuf_str(&b);
}

static struct str small(struct arena *a)
{
	const struct part parts[] = {
		{ "d/", { "", 0 }, false, 0 },
		{ "d/a.json", { "{\"a\":1}", 7 }, false, 0 },
		{ "b", { "bbbbbbbbbbbbbbbbbbbbbbbb", 24 }, true, 0 },
	};

	return archive(a, parts, 3, 1);
}

static enum status parse(struct arena *a, struct str s)
{
	struct zip_files files;

	return zip_unpack(a, s, LIMITS, &files, NULL);
}

static void files_come_out(void **state)
{
	struct arena *a = arena_must(0);
	struct zip_files files = {};
	struct str s = small(a);
	struct err e = {};

	(void)state;
	assert_true(zip_looks_like(s));
	assert_int_equal(zip_unpack(a, s, LIMITS, &files, &e), ST_OK);
	assert_int_equal(files.n, 2);
	assert_str(files.items[0].name, "d/a.json");
	assert_str(files.items[0].bytes, "{\"a\":1}");
	assert_str(files.items[1].bytes, "bbbbbbbbbbbbbbbbbbbbbbbb");
	law_truncated(parse, s);
	law_no_memory(parse, s);
	arena_free(&a);
}

static void any_byte_may_be_wrong(void **state)
{
	struct arena *a = arena_must(0);
	struct str s = small(a);
	char *p = (char *)(uintptr_t)s.p;

	(void)state;
	for (size_t i = 0; i < s.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct arena *b = arena_must(0);

			p[i] = (char)(p[i] ^ 1 << bit);
			(void)!parse(b, s);
			p[i] = (char)(p[i] ^ 1 << bit);
			arena_free(&b);
		}
	arena_free(&a);
}

static void check(struct arena *a, struct part p, unsigned times,
	enum status want, const char *why)
{
	struct zip_files files = {};
	struct err e = {};

	assert_int_equal(
		zip_unpack(a, archive(a, &p, 1, times), LIMITS, &files, &e),
		want);
	if (strstr(e.text, why) == NULL)
		fail_msg("%s, not %s", e.text, why);
}

static void caps(void **state)
{
	struct arena *a = arena_must(0);
	char *zeros = arena_alloc(a, 200000);

	(void)state;
	check(a, (struct part){ "x", { zeros, 200000 }, true, 0 }, 1, ST_LIMIT,
		"more than 100 times");
	check(a, (struct part){ "x", { zeros, 200000 }, false, 0 }, 1, ST_LIMIT,
		"more than 100000 bytes");
	/* Files that share their bytes. */
	check(a, (struct part){ "x", { zeros, 9000 }, true, 0 }, 16, ST_LIMIT,
		"more than 100 times");
	check(a, (struct part){ "x", { "a", 1 }, false, 0 }, 17, ST_LIMIT,
		"more than 16 files");
	check(a, (struct part){ "x", { "a", 1 }, false, 0 }, 40, ST_LIMIT,
		"more than 16 files");
	check(a, (struct part){ "x", { "a", 1 }, false, 1 }, 1, ST_INVALID,
		"is encrypted");
	check(a, (struct part){ "x/", { "", 0 }, false, 0 }, 1, ST_INVALID,
		"has no file in it");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_out),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
