/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip: by the directory at the end of the archive, which is what other readers
 * go by; what a file's own head says counts only for its length.
 */
#include "base/sbuf.h"
#include "io/zip.h"
#include "io/zlib_memory.h"

#include "base/poison.h"

#define RAW_DEFLATE (-15) /* window bits */
#define CHUNK (16u * 1024u)

#define LOCAL "PK\x03\x04"
#define LOCAL_BYTES 30u
#define ENTRY "PK\x01\x02"
#define ENTRY_BYTES 46u
#define END "PK\x05\x06"
#define END_BYTES 22u
#define COMMENT_MAX 65535u

enum { STORED = 0, DEFLATED = 8 };
enum { FLAG_ENCRYPTED = 1 };

/* A file as the directory has it. */
struct entry {
	unsigned flags, method;
	size_t packed, at; /* bytes, offset of its own head */
	struct str name;
};

struct unzip {
	struct arena *arena;
	struct str in;
	struct gzip_limits limits;
	struct zip_files *out;
	size_t bytes; /* of all files so far */
	struct err *err;
};

bool zip_looks_like(struct str s)
{
	return str_starts(s, STR(LOCAL));
}

static unsigned u16(struct str s, size_t at)
{
	return (unsigned char)s.p[at] | (unsigned)(unsigned char)s.p[at + 1]
						<< 8;
}

static size_t u32(struct str s, size_t at)
{
	return u16(s, at) | (size_t)u16(s, at + 2) << 16;
}

static enum status damaged(struct unzip *z, const char *what)
{
	return err_set(z->err, ST_INVALID, "the zip archive %s", what);
}

/* The end record, behind which only a comment may stand. */
static enum status find_end(struct unzip *z, struct str *end)
{
	size_t n = z->in.n;

	for (size_t i = END_BYTES; i <= n && i <= END_BYTES + COMMENT_MAX;
		i++) {
		struct str s = str_from(z->in, n - i);

		if (!str_starts(s, STR(END)) || u16(s, 20) != i - END_BYTES)
			continue;
		*end = s;
		return ST_OK;
	}
	return damaged(z, "has no end record");
}

/* Takes one entry off the directory. */
static enum status take_entry(struct unzip *z, struct str *dir, struct entry *e)
{
	size_t n;

	if (dir->n < ENTRY_BYTES || !str_starts(*dir, STR(ENTRY)))
		return damaged(z, "has a damaged directory");
	*e = (struct entry){ .flags = u16(*dir, 8),
		.method = u16(*dir, 10),
		.packed = u32(*dir, 20),
		.at = u32(*dir, 42) };
	n = ENTRY_BYTES + u16(*dir, 28);
	e->name = str_from(str_upto(*dir, n), ENTRY_BYTES);
	n += u16(*dir, 30) + u16(*dir, 32);
	if (n > dir->n || e->name.n != u16(*dir, 28))
		return damaged(z, "has a damaged directory");
	*dir = str_from(*dir, n);
	return ST_OK;
}

/* The packed bytes of an entry, behind a head of their own. */
static enum status find_packed(
	struct unzip *z, const struct entry *e, struct str *packed)
{
	struct str s = str_from(z->in, e->at);
	size_t head;

	if (s.n < LOCAL_BYTES || !str_starts(s, STR(LOCAL)))
		return damaged(z, "leads to a file that is not there");
	head = LOCAL_BYTES + u16(s, 26) + u16(s, 28);
	if (head > s.n || e->packed > s.n - head)
		return damaged(z, "ends early");
	*packed = str_upto(str_from(s, head), e->packed);
	return ST_OK;
}

static enum status add_bytes(struct unzip *z, struct sbuf *b, struct str piece)
{
	z->bytes += piece.n;
	if (z->bytes > z->limits.max_bytes)
		return err_set(z->err, ST_LIMIT,
			"the zip archive unpacks to more than %zu bytes",
			z->limits.max_bytes);
	if (z->bytes > z->limits.free_bytes &&
		z->bytes / z->limits.max_ratio > z->in.n)
		return err_set(z->err, ST_LIMIT,
			"the zip archive unpacks to more than %zu times its "
			"size",
			z->limits.max_ratio);
	sbuf_add(b, piece);
	return sbuf_ok(b) ? ST_OK
			  : err_set(z->err, ST_LIMIT,
				    "no memory for unpacked data");
}

static enum status inflate_all(struct unzip *z, z_stream *s, struct sbuf *b)
{
	unsigned char chunk[CHUNK];
	enum status st = ST_OK;
	int rc = Z_OK;

	while (st == ST_OK && rc == Z_OK) {
		s->next_out = chunk;
		s->avail_out = CHUNK;
		rc = inflate(s, Z_NO_FLUSH);
		st = add_bytes(z, b,
			(struct str){ (char *)chunk, CHUNK - s->avail_out });
	}
	if (st != ST_OK)
		return st;
	if (rc == Z_MEM_ERROR)
		return err_set(
			z->err, ST_LIMIT, "no memory to unpack zip data");
	return rc == Z_STREAM_END ? ST_OK
				  : damaged(z, "has a damaged file in it");
}

static enum status deflated(struct unzip *z, struct str packed, struct sbuf *b)
{
	z_stream s = { ZLIB_MEMORY };
	enum status st;

	if (packed.n > UINT32_MAX / 2)
		return damaged(z, "is too large");
	if (inflateInit2(&s, RAW_DEFLATE) != Z_OK)
		return err_set(
			z->err, ST_LIMIT, "no memory to unpack zip data");
	s.next_in = (z_const Bytef *)(uintptr_t)packed.p;
	s.avail_in = (uInt)packed.n;
	st = inflate_all(z, &s, b);
	(void)inflateEnd(&s);
	return st;
}

static enum status unpack_entry(struct unzip *z, const struct entry *e)
{
	struct sbuf b = sbuf_arena(z->arena, z->limits.max_bytes);
	struct str packed;
	enum status st;

	if ((e->flags & FLAG_ENCRYPTED) != 0)
		return damaged(z, "is encrypted");
	if (e->method != STORED && e->method != DEFLATED)
		return damaged(z, "is packed in a way that is not read");
	st = find_packed(z, e, &packed);
	if (st != ST_OK)
		return st;
	st = e->method == STORED ? add_bytes(z, &b, packed)
				 : deflated(z, packed, &b);
	if (st != ST_OK)
		return st;
	if (z->out->n == ZIP_FILES_MAX)
		return err_set(z->err, ST_LIMIT,
			"the zip archive has more than %u files",
			ZIP_FILES_MAX);
	z->out->items[z->out->n++] = (struct zip_file){ e->name, sbuf_str(&b) };
	return ST_OK;
}

enum status zip_unpack(struct arena *a, struct str in,
	struct gzip_limits limits, struct zip_files *out, struct err *e)
{
	struct zip_files found = {};
	struct unzip z = { a, in, limits, &found, 0, e };
	struct entry entry = {};
	struct str end = {}, dir;
	enum status st = find_end(&z, &end);

	if (st != ST_OK)
		return st;
	dir = str_from(in, u32(end, 16));
	if (u16(end, 10) > 2 * ZIP_FILES_MAX)
		return err_set(e, ST_LIMIT,
			"the zip archive has more than %u files",
			ZIP_FILES_MAX);
	for (unsigned n = u16(end, 10); st == ST_OK && n > 0; n--) {
		st = take_entry(&z, &dir, &entry);
		if (st == ST_OK && !str_ends(entry.name, STR("/")))
			st = unpack_entry(&z, &entry);
	}
	if (st == ST_OK && found.n == 0)
		st = damaged(&z, "has no file in it");
	if (st == ST_OK)
		*out = found;
	return st;
}
