/* SPDX-License-Identifier: Apache-2.0 */
/* base64: RFC 4648 encodings and hex. */
#include <stdint.h>

#include "base/base64.h"

#include "base/poison.h"

static const char alphabet64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet64url[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet16[] = "0123456789abcdef";

/* Writes bytes as groups of `bits` bits (4 or 6) in the alphabet. */
static void write_bits(
	struct sbuf *b, struct str bytes, const char *alphabet, unsigned bits)
{
	uint32_t acc = 0;
	unsigned have = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		acc = (acc << 8 | (unsigned char)bytes.p[i]) & 0xffff;
		have += 8;
		while (have >= bits) {
			have -= bits;
			sbuf_addc(
				b, alphabet[acc >> have & ((1u << bits) - 1)]);
		}
	}
	if (have > 0)
		sbuf_addc(
			b, alphabet[acc << (bits - have) & ((1u << bits) - 1)]);
}

void base64_write(struct sbuf *b, struct str bytes)
{
	write_bits(b, bytes, alphabet64, 6);
	for (size_t n = bytes.n % 3; n > 0 && n < 3; n++)
		sbuf_addc(b, '=');
}

void base64url_write(struct sbuf *b, struct str bytes)
{
	write_bits(b, bytes, alphabet64url, 6);
}

void hex_write(struct sbuf *b, struct str bytes)
{
	write_bits(b, bytes, alphabet16, 4);
}

/* Reads digits of `bits` bits; leftover bits must be zero and fewer than one
 * digit, so that each byte string has exactly one spelling. */
static enum status parse_bits(struct arena *a, struct str text,
	const char *alphabet, unsigned bits, struct str *out)
{
	struct str digits = { alphabet, (size_t)1 << bits };
	char *p = arena_alloc(a, text.n * bits / 8 + 1);
	uint32_t acc = 0;
	unsigned have = 0;
	size_t n = 0;

	if (p == NULL)
		return ST_LIMIT;
	for (size_t i = 0; i < text.n; i++) {
		ptrdiff_t v = str_index(digits, text.p[i]);

		if (v < 0)
			return ST_INVALID;
		acc = (acc << bits | (uint32_t)v) & 0xffff;
		have += bits;
		if (have >= 8) {
			have -= 8;
			p[n++] = (char)(acc >> have & 0xff);
		}
	}
	if (have >= bits || (acc & ((1u << have) - 1)) != 0)
		return ST_INVALID;
	*out = (struct str){ p, n };
	return ST_OK;
}

enum status base64_parse(struct arena *a, struct str text, struct str *out)
{
	if (text.n % 4 != 0)
		return ST_INVALID;
	if (text.n > 0 && text.p[text.n - 1] == '=')
		text.n--;
	if (text.n % 4 == 3 && text.p[text.n - 1] == '=')
		text.n--;
	return parse_bits(a, text, alphabet64, 6, out);
}

enum status base64url_parse(struct arena *a, struct str text, struct str *out)
{
	return parse_bits(a, text, alphabet64url, 6, out);
}

enum status hex_parse(struct arena *a, struct str text, struct str *out)
{
	if (text.n % 2 != 0)
		return ST_INVALID;
	return parse_bits(a, text, alphabet16, 4, out);
}
