/* SPDX-License-Identifier: Apache-2.0 */
/* gzip: zlib behind caps. */
#include "base/mem.h"
#include "io/gzip.h"
#include "io/zlib_memory.h"

#include "base/poison.h"

#define MAGIC 0x1f /* the first byte of every member */
#define CHUNK (16u * 1024u)
#define GZIP_ONLY (15 + 16) /* window bits; no zlib and no raw deflate */

struct gunzip {
	struct gzip_limits limits;
	z_stream z;
	size_t in, out; /* bytes in all members */
	enum { AT_START, IN_MEMBER, BETWEEN, PAST_LAST } at;
	bool heap; /* the output grows in place: see make_room */
	unsigned char chunk[CHUNK];
};

bool gzip_looks_like(struct str s)
{
	return str_starts(s, STR("\x1f\x8b"));
}

struct gunzip *gunzip_new(struct gzip_limits limits)
{
	struct gunzip *g = mem_alloc(sizeof(*g));

	if (g == NULL)
		return NULL;
	g->limits = limits;
	g->z = (z_stream){ ZLIB_MEMORY };
	if (inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		mem_free(g);
		return NULL;
	}
	return g;
}

void gunzip_free(struct gunzip **g)
{
	if (*g == NULL)
		return;
	(void)inflateEnd(&(*g)->z);
	mem_free(*g);
	*g = NULL;
}

static enum status check_caps(
	const struct gunzip *g, const struct sbuf *out, struct err *e)
{
	if (g->out > g->limits.max_bytes)
		return err_set(e, ST_LIMIT,
			"the gzip data unpacks to more than %zu bytes",
			g->limits.max_bytes);
	if (g->out > g->limits.free_bytes &&
		g->out / g->limits.max_ratio > g->in)
		return err_set(e, ST_LIMIT,
			"the gzip data unpacks to more than %zu times its size",
			g->limits.max_ratio);
	if (!sbuf_ok(out))
		return err_set(e, ST_LIMIT, "no memory for unpacked data");
	return ST_OK;
}

/*
 * For one chunk more, in a block of the heap: what an arena would leave behind
 * each time a text outgrows its place can be as much as the text.
 */
static void make_room(struct sbuf *b)
{
	size_t cap = 2 * b->cap + CHUNK;
	char *p;

	if (b->cap - b->n >= CHUNK)
		return;
	p = mem_grow(b->p, cap);
	if (p == NULL)
		return; /* the sbuf says so when it is full */
	b->p = p;
	b->cap = b->max = cap;
}

/* One call of inflate; moves on in the piece and in the members. */
static enum status step(struct gunzip *g, struct sbuf *out, struct err *e)
{
	uInt before = g->z.avail_in;
	int rc;

	g->z.next_out = g->chunk;
	g->z.avail_out = CHUNK;
	rc = inflate(&g->z, Z_NO_FLUSH);
	g->in += before - g->z.avail_in;
	g->out += CHUNK - g->z.avail_out;
	if (g->heap)
		make_room(out);
	sbuf_add(out, (struct str){ (char *)g->chunk, CHUNK - g->z.avail_out });
	if (rc == Z_MEM_ERROR)
		return err_set(e, ST_LIMIT, "no memory to unpack gzip data");
	if (rc == Z_STREAM_END) {
		g->at = BETWEEN;
		(void)inflateReset(&g->z);
	} else if (rc == Z_OK) {
		g->at = IN_MEMBER;
	} else if (rc != Z_BUF_ERROR) {
		return err_set(e, ST_INVALID,
			"damaged gzip data: %s (RFC 1952)",
			g->z.msg == NULL ? "no reason" : g->z.msg);
	}
	return check_caps(g, out, e);
}

enum status gunzip_put(
	struct gunzip *g, struct str piece, struct sbuf *out, struct err *e)
{
	while (piece.n > 0) {
		struct str part = str_upto(piece, UINT32_MAX / 2);
		bool full = false;
		enum status st;

		piece = str_from(piece, part.n);
		g->z.next_in = (z_const Bytef *)(uintptr_t)part.p;
		g->z.avail_in = (uInt)part.n;
		/* A full chunk means that inflate may hold more output. */
		while (g->z.avail_in > 0 || full) {
			if (g->at == BETWEEN && g->z.avail_in > 0 &&
				g->z.next_in[0] != MAGIC)
				g->at = PAST_LAST;
			if (g->at == PAST_LAST)
				break;
			st = step(g, out, e);
			if (st != ST_OK)
				return st;
			full = g->z.avail_out == 0;
		}
	}
	return ST_OK;
}

enum status gunzip_end(const struct gunzip *g, struct err *e)
{
	if (g->at == BETWEEN || g->at == PAST_LAST)
		return ST_OK;
	return err_set(e, ST_INVALID, "the gzip data ends early (RFC 1952)");
}

enum status gzip_unpack(struct arena *a, struct str in,
	struct gzip_limits limits, struct str *out, struct err *e)
{
	struct gunzip *g = gunzip_new(limits);
	struct sbuf b = sbuf_fixed(NULL, 0);
	struct str copy = {};
	enum status st;

	if (g == NULL)
		return err_set(e, ST_LIMIT, "no memory to unpack gzip data");
	g->heap = true;
	st = gunzip_put(g, in, &b, e);
	if (st == ST_OK)
		st = gunzip_end(g, e);
	gunzip_free(&g);
	if (st == ST_OK) {
		copy = arena_str(a, b.n > 0 ? sbuf_str(&b) : STR(""));
		if (copy.p == NULL)
			st = err_set(
				e, ST_LIMIT, "no memory for unpacked data");
	}
	mem_free(b.p);
	if (st == ST_OK)
		*out = copy;
	return st;
}

enum status gzip_pack(struct arena *a, struct str in, struct str *out)
{
	z_stream z = { ZLIB_MEMORY };
	enum status st = ST_LIMIT;
	unsigned char *p;
	uLong room;

	if (in.n > UINT32_MAX / 2 ||
		deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_ONLY,
			8, Z_DEFAULT_STRATEGY) != Z_OK)
		return ST_LIMIT;
	room = deflateBound(&z, (uLong)in.n);
	p = arena_alloc(a, room);
	if (p == NULL)
		goto out;
	z.next_in = (z_const Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = p;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		goto out;
	*out = (struct str){ (char *)p, z.total_out };
	st = ST_OK;
out:
	(void)deflateEnd(&z);
	return st;
}
