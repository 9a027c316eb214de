/* SPDX-License-Identifier: Apache-2.0 */
/* wire: big-endian cursors. */
#include <string.h>

#include "base/wire.h"

#include "base/poison.h"

#define STR_BYTES_MIN 4u /* of one in a list: its length */

struct wire_in wire_in_of(struct str s)
{
	return (struct wire_in){ .p = (const unsigned char *)s.p, .n = s.n };
}

static const unsigned char *take(struct wire_in *in, size_t n)
{
	const unsigned char *p;

	if (in->failed || n > in->n - in->at) {
		in->failed = true;
		return NULL;
	}
	p = in->p + in->at;
	in->at += n;
	return p;
}

static uint64_t take_number(struct wire_in *in, size_t n)
{
	const unsigned char *p = take(in, n);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t wire_u8(struct wire_in *in)
{
	return (uint8_t)take_number(in, 1);
}

uint16_t wire_u16(struct wire_in *in)
{
	return (uint16_t)take_number(in, 2);
}

uint32_t wire_u32(struct wire_in *in)
{
	return (uint32_t)take_number(in, 4);
}

uint64_t wire_u64(struct wire_in *in)
{
	return take_number(in, 8);
}

struct str wire_bytes(struct wire_in *in, size_t n)
{
	const unsigned char *p = take(in, n);

	if (p == NULL)
		return (struct str){ "", 0 };
	return (struct str){ (const char *)p, n };
}

struct str wire_str(struct wire_in *in)
{
	return wire_bytes(in, wire_u32(in));
}

enum status wire_array(struct wire_in *in, struct arena *a, size_t min,
	size_t size, void *items, size_t *n)
{
	uint32_t count = wire_u32(in);
	void *p;

	if (!wire_ok(in) || count > wire_left(in) / min)
		return ST_INVALID;
	p = arena_array(a, count, size);
	if (p == NULL)
		return ST_LIMIT;
	*(void **)items = p;
	*n = count;
	return ST_OK;
}

enum status wire_strs(
	struct wire_in *in, struct arena *a, struct str **items, size_t *n)
{
	enum status st = wire_array(
		in, a, STR_BYTES_MIN, sizeof(**items), items, n);

	for (size_t i = 0; st == ST_OK && i < *n; i++)
		(*items)[i] = wire_str(in);
	return st;
}

size_t wire_left(const struct wire_in *in)
{
	return in->failed ? 0 : in->n - in->at;
}

bool wire_ok(const struct wire_in *in)
{
	return !in->failed;
}

bool wire_done(const struct wire_in *in)
{
	return !in->failed && in->at == in->n;
}

struct wire_out wire_out_of(void *p, size_t cap)
{
	return (struct wire_out){ .p = p, .cap = cap };
}

static void put_number(struct wire_out *out, uint64_t v, size_t n)
{
	unsigned char b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
	wire_put_bytes(out, (struct str){ (const char *)b, n });
}

void wire_put_u8(struct wire_out *out, uint8_t v)
{
	put_number(out, v, 1);
}

void wire_put_u16(struct wire_out *out, uint16_t v)
{
	put_number(out, v, 2);
}

void wire_put_u32(struct wire_out *out, uint32_t v)
{
	put_number(out, v, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t v)
{
	put_number(out, v, 8);
}

void wire_put_bytes(struct wire_out *out, struct str s)
{
	if (out->failed || s.n > out->cap - out->n) {
		out->failed = true;
		return;
	}
	if (s.n > 0)
		memcpy(out->p + out->n, s.p, s.n);
	out->n += s.n;
}

void wire_put_str(struct wire_out *out, struct str s)
{
	if (s.n > UINT32_MAX) {
		out->failed = true;
		return;
	}
	wire_put_u32(out, (uint32_t)s.n);
	wire_put_bytes(out, s);
}

void wire_put_strs(struct wire_out *out, const struct str *items, size_t n)
{
	wire_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wire_put_str(out, items[i]);
}

void wire_patch_u16(struct wire_out *out, size_t at, uint16_t v)
{
	if (out->failed || at + 2 > out->n) {
		out->failed = true;
		return;
	}
	out->p[at] = (unsigned char)(v >> 8);
	out->p[at + 1] = (unsigned char)v;
}

struct str wire_out_str(const struct wire_out *out)
{
	return (struct str){ (const char *)out->p, out->n };
}
