/* SPDX-License-Identifier: Apache-2.0 */
/* http_chunked: one step per byte of framing, whole runs of data. */
#include "proto/http_chunked.h"
#include "proto/http_head.h"

#include "base/poison.h"

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_END,
};

/* "1a;extension CRLF": one byte of it. */
static enum status chunk_size(struct http_chunked *c, char ch)
{
	int v = chr_hex(ch);

	if (++c->line > HTTP_CHUNK_LINE_BYTES_MAX)
		return ST_LIMIT;
	if (v >= 0) {
		if (c->left > HTTP_LENGTH_MAX / 16)
			return ST_LIMIT;
		c->left = c->left * 16 + (unsigned)v;
		c->any = true;
		return ST_OK;
	}
	if (!c->any)
		return ST_INVALID;
	if (ch == '\r')
		c->state = CHUNK_SIZE_LF;
	else if (ch == ';')
		c->state = CHUNK_EXTENSION;
	else
		return ST_INVALID;
	return ST_OK;
}

static enum status chunk_extension(struct http_chunked *c, char ch)
{
	if (++c->line > HTTP_CHUNK_LINE_BYTES_MAX)
		return ST_LIMIT;
	if (ch == '\r')
		c->state = CHUNK_SIZE_LF;
	else if ((unsigned char)ch < ' ' && ch != '\t')
		return ST_INVALID;
	return ST_OK;
}

static enum status chunk_expect(
	struct http_chunked *c, char ch, char want, int next)
{
	c->state = next;
	return ch == want ? ST_OK : ST_INVALID;
}

/* Trailer fields are read over; the empty line ends them. */
static enum status chunk_trailer(struct http_chunked *c, char ch)
{
	if (++c->line > HTTP_TRAILER_BYTES_MAX)
		return ST_LIMIT;
	if (ch == '\r')
		c->state = CHUNK_TRAILER_LF;
	else if ((unsigned char)ch < ' ' && ch != '\t')
		return ST_INVALID;
	else
		c->at_bol = false;
	return ST_OK;
}

static enum status chunk_size_lf(struct http_chunked *c, char ch)
{
	c->line = 0;
	c->any = false;
	c->at_bol = true;
	return chunk_expect(
		c, ch, '\n', c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER);
}

static enum status chunk_trailer_lf(struct http_chunked *c, char ch)
{
	int next = c->at_bol ? CHUNK_END : CHUNK_TRAILER;

	c->at_bol = true;
	return chunk_expect(c, ch, '\n', next);
}

static enum status chunk_step(struct http_chunked *c, char ch)
{
	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
		return chunk_size(c, ch);
	case CHUNK_EXTENSION:
		return chunk_extension(c, ch);
	case CHUNK_SIZE_LF:
		return chunk_size_lf(c, ch);
	case CHUNK_DATA_CR:
		return chunk_expect(c, ch, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return chunk_expect(c, ch, '\n', CHUNK_SIZE);
	case CHUNK_TRAILER:
		return chunk_trailer(c, ch);
	case CHUNK_TRAILER_LF:
		return chunk_trailer_lf(c, ch);
	case CHUNK_DATA:
	case CHUNK_END:
		break;
	}
	return ST_INVALID;
}

enum status http_chunked_take(
	struct http_chunked *c, struct str *in, struct str *piece)
{
	*piece = (struct str){ "", 0 };
	while (c->state != CHUNK_END) {
		enum status st;

		if (in->n == 0)
			return ST_AGAIN;
		if (c->state == CHUNK_DATA) {
			*piece = str_upto(*in, (size_t)c->left);
			*in = str_from(*in, piece->n);
			c->left -= piece->n;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
			return ST_OK;
		}
		st = chunk_step(c, in->p[0]);
		if (st != ST_OK)
			return st;
		*in = str_from(*in, 1);
	}
	return ST_OK;
}
