/* SPDX-License-Identifier: Apache-2.0 */
/* dns_name: RFC 1035 section 3.1, case by RFC 4343, order by RFC 4034. */
#include <string.h>

#include "proto/dns_name.h"

#include "base/poison.h"

#define LABELS_MAX 128 /* 127 labels of one byte, and the root */
#define POINTER_BITS 0xc0u

struct dns_name dns_name_root(void)
{
	return (struct dns_name){ .n = 1 };
}

/* Appends a label of n bytes; false when the name would be too long. */
static bool put_label(struct dns_name *name, const void *label, size_t n)
{
	/* One byte stays free for the root. */
	if (n > DNS_LABEL_MAX || name->n + 1 + n + 1 > DNS_NAME_MAX)
		return false;
	name->wire[name->n] = (uint8_t)n;
	memcpy(name->wire + name->n + 1, label, n);
	name->n = (uint8_t)(name->n + 1 + n);
	return true;
}

static void put_root(struct dns_name *name)
{
	name->wire[name->n++] = 0;
}

struct dns_name dns_name_read(struct wire_in *in)
{
	struct dns_name name = {};
	size_t at = in->at, end = 0, low = in->at;

	if (in->failed)
		return dns_name_root();
	for (;;) {
		size_t n;

		if (at >= in->n)
			goto fail;
		n = in->p[at];
		if ((n & POINTER_BITS) == POINTER_BITS) {
			if (at + 1 >= in->n)
				goto fail;
			if (end == 0)
				end = at + 2;
			at = (n & ~POINTER_BITS) << 8 | in->p[at + 1];
			if (at >= low)
				goto fail;
			low = at;
			continue;
		}
		if (n == 0)
			break;
		if (n > DNS_LABEL_MAX || n > in->n - at - 1 ||
			!put_label(&name, in->p + at + 1, n))
			goto fail;
		at += 1 + n;
	}
	put_root(&name);
	in->at = end == 0 ? at + 1 : end;
	return name;
fail:
	in->failed = true;
	return dns_name_root();
}

/* One byte of a label: plain, \X or \DDD. Moves *at; false when malformed. */
static bool parse_byte(struct str s, size_t *at, char *out)
{
	unsigned v = 0;

	if (s.p[*at] != '\\') {
		*out = s.p[(*at)++];
		return true;
	}
	if (*at + 1 >= s.n)
		return false;
	if (!chr_is_digit(s.p[*at + 1])) {
		*out = s.p[*at + 1];
		*at += 2;
		return true;
	}
	if (*at + 3 >= s.n)
		return false;
	for (size_t i = 1; i <= 3; i++) {
		if (!chr_is_digit(s.p[*at + i]))
			return false;
		v = v * 10 + (unsigned)(s.p[*at + i] - '0');
	}
	if (v > 255)
		return false;
	*out = (char)v;
	*at += 4;
	return true;
}

enum status dns_name_parse(struct str text, struct dns_name *out)
{
	struct dns_name name = {};
	char label[DNS_LABEL_MAX];
	size_t at = 0, n = 0;

	if (text.n == 0)
		return ST_INVALID;
	if (str_eq(text, STR("."))) {
		*out = dns_name_root();
		return ST_OK;
	}
	while (at <= text.n) {
		if (at == text.n || text.p[at] == '.') {
			if (n == 0)
				return ST_INVALID;
			if (!put_label(&name, label, n))
				return ST_LIMIT;
			n = 0;
			at++;
			if (at == text.n)
				break;
			continue;
		}
		if (n == DNS_LABEL_MAX)
			return ST_LIMIT;
		if (!parse_byte(text, &at, &label[n++]))
			return ST_INVALID;
	}
	put_root(&name);
	*out = name;
	return ST_OK;
}

static void write_label(struct sbuf *b, struct str label)
{
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (c == '.' || c == '\\') {
			sbuf_addc(b, '\\');
			sbuf_addc(b, (char)c);
		} else if (c > 0x20 && c < 0x7f) {
			sbuf_addc(b, (char)c);
		} else {
			sbuf_fmt(b, "\\%03u", c);
		}
	}
}

/* The label at offset at of a well-formed name. */
static struct str label_at(const struct dns_name *name, size_t at)
{
	return (struct str){ (const char *)name->wire + at + 1,
		name->wire[at] };
}

void dns_name_write(struct sbuf *b, const struct dns_name *name)
{
	if (name->n <= 1) {
		sbuf_addc(b, '.');
		return;
	}
	for (size_t at = 0; name->wire[at] != 0; at += 1u + name->wire[at]) {
		if (at > 0)
			sbuf_addc(b, '.');
		write_label(b, label_at(name, at));
	}
}

struct str dns_name_wire(const struct dns_name *name)
{
	return (struct str){ (const char *)name->wire, name->n };
}

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Length bytes are at most 63 and so below 'A': folding leaves them alone. */
static bool equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

void dns_name_lower(struct dns_name *name)
{
	for (size_t i = 0; i < name->n; i++)
		name->wire[i] = fold(name->wire[i]);
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return a->n == b->n && equal(a->wire, b->wire, a->n);
}

bool dns_name_is_in(const struct dns_name *name, const struct dns_name *zone)
{
	size_t at = 0;

	if (name->n < zone->n)
		return false;
	while (at < (size_t)name->n - zone->n)
		at += 1u + name->wire[at];
	return at == (size_t)name->n - zone->n &&
	       equal(name->wire + at, zone->wire, zone->n);
}

/* Fills at[] with the labels' offsets, the root left out. */
static size_t label_offsets(const struct dns_name *name, uint8_t *at)
{
	size_t n = 0;

	for (size_t i = 0; name->wire[i] != 0; i += 1u + name->wire[i])
		at[n++] = (uint8_t)i;
	return n;
}

/* A label ends in 0, so 0 and 1 inside it become 1 1 and 1 2. */
void dns_name_key(struct sbuf *b, const struct dns_name *name)
{
	uint8_t at[LABELS_MAX];
	size_t n = label_offsets(name, at);

	while (n > 0) {
		struct str label = label_at(name, at[--n]);

		for (size_t i = 0; i < label.n; i++) {
			uint8_t c = fold((uint8_t)label.p[i]);

			if (c <= 1)
				sbuf_addc(b, 1);
			sbuf_addc(b, (char)(c <= 1 ? c + 1 : c));
		}
		sbuf_addc(b, 0);
	}
}

bool dns_name_cut(struct dns_name *name)
{
	size_t skip = 1u + name->wire[0];

	if (name->n <= 1)
		return false;
	name->n = (uint8_t)(name->n - skip);
	memmove(name->wire, name->wire + skip, name->n);
	return true;
}
