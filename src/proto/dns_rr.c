/* SPDX-License-Identifier: Apache-2.0 */
/* dns_rr: RFC 1035 section 3.3, RFC 3596, RFC 8659; text by RFC 3597. */
#include <arpa/inet.h>

#include "base/base64.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

void dns_rr_name_write(struct wire_out *out, const struct dns_name *name)
{
	wire_put_bytes(out, dns_name_wire(name));
}

/*
 * A name inside rdata cut out of its message: a pointer could only lead to
 * other bytes of the same rdata, which nothing well-formed does.
 */
static struct dns_name read_plain_name(struct wire_in *in)
{
	size_t at = in->at;
	struct dns_name name = dns_name_read(in);

	if (wire_ok(in) && in->at - at != name.n)
		in->failed = true;
	return name;
}

enum status dns_rr_name_read(struct str rdata, struct dns_name *out)
{
	struct wire_in in = wire_in_of(rdata);
	struct dns_name name = read_plain_name(&in);

	if (!wire_done(&in))
		return ST_INVALID;
	*out = name;
	return ST_OK;
}

void dns_soa_write(struct wire_out *out, const struct dns_soa *soa)
{
	dns_rr_name_write(out, &soa->mname);
	dns_rr_name_write(out, &soa->rname);
	wire_put_u32(out, soa->serial);
	wire_put_u32(out, soa->refresh);
	wire_put_u32(out, soa->retry);
	wire_put_u32(out, soa->expire);
	wire_put_u32(out, soa->minimum);
}

enum status dns_soa_read(struct str rdata, struct dns_soa *out)
{
	struct wire_in in = wire_in_of(rdata);
	struct dns_soa soa = {};

	soa.mname = read_plain_name(&in);
	soa.rname = read_plain_name(&in);
	soa.serial = wire_u32(&in);
	soa.refresh = wire_u32(&in);
	soa.retry = wire_u32(&in);
	soa.expire = wire_u32(&in);
	soa.minimum = wire_u32(&in);
	if (!wire_done(&in))
		return ST_INVALID;
	*out = soa;
	return ST_OK;
}

bool dns_serial_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < UINT32_C(0x80000000);
}

void dns_mx_write(struct wire_out *out, uint16_t preference,
	const struct dns_name *exchange)
{
	wire_put_u16(out, preference);
	dns_rr_name_write(out, exchange);
}

enum status dns_mx_read(
	struct str rdata, uint16_t *preference, struct dns_name *exchange)
{
	struct wire_in in = wire_in_of(rdata);
	uint16_t pref = wire_u16(&in);
	struct dns_name name = read_plain_name(&in);

	if (!wire_done(&in))
		return ST_INVALID;
	*preference = pref;
	*exchange = name;
	return ST_OK;
}

void dns_txt_write(struct wire_out *out, struct str text)
{
	do {
		struct str part = str_upto(text, DNS_TXT_STRING_MAX);

		wire_put_u8(out, (uint8_t)part.n);
		wire_put_bytes(out, part);
		text = str_from(text, part.n);
	} while (text.n > 0);
}

enum status dns_txt_read(struct arena *a, struct str rdata, struct str *text)
{
	struct sbuf b = sbuf_arena(a, DNS_RDATA_MAX);
	struct wire_in in = wire_in_of(rdata);

	if (rdata.n == 0)
		return ST_INVALID;
	while (wire_left(&in) > 0)
		sbuf_add(&b, wire_bytes(&in, wire_u8(&in)));
	if (!wire_done(&in))
		return ST_INVALID;
	if (!sbuf_ok(&b))
		return ST_LIMIT;
	*text = sbuf_str(&b);
	return ST_OK;
}

void dns_caa_write(
	struct wire_out *out, uint8_t flags, struct str tag, struct str value)
{
	if (tag.n == 0 || tag.n > UINT8_MAX) {
		out->failed = true;
		return;
	}
	wire_put_u8(out, flags);
	wire_put_u8(out, (uint8_t)tag.n);
	wire_put_bytes(out, tag);
	wire_put_bytes(out, value);
}

enum status dns_caa_read(
	struct str rdata, uint8_t *flags, struct str *tag, struct str *value)
{
	struct wire_in in = wire_in_of(rdata);
	uint8_t f = wire_u8(&in);
	struct str t = wire_bytes(&in, wire_u8(&in));
	struct str v = wire_bytes(&in, wire_left(&in));

	if (!wire_done(&in) || t.n == 0)
		return ST_INVALID;
	*flags = f;
	*tag = t;
	*value = v;
	return ST_OK;
}

/* A character-string in quotes, RFC 1035 section 5.1. */
static void write_quoted(struct sbuf *b, struct str s)
{
	sbuf_addc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f) {
			sbuf_fmt(b, "\\%03u", c);
			continue;
		}
		if (c == '"' || c == '\\')
			sbuf_addc(b, '\\');
		sbuf_addc(b, (char)c);
	}
	sbuf_addc(b, '"');
}

static void write_absolute(struct sbuf *b, const struct dns_name *name)
{
	dns_name_write(b, name);
	if (name->n > 1)
		sbuf_addc(b, '.');
}

static bool write_name(struct sbuf *b, struct str rdata)
{
	struct dns_name name;

	if (dns_rr_name_read(rdata, &name) != ST_OK)
		return false;
	write_absolute(b, &name);
	return true;
}

static bool write_soa(struct sbuf *b, struct str rdata)
{
	struct dns_soa soa;

	if (dns_soa_read(rdata, &soa) != ST_OK)
		return false;
	write_absolute(b, &soa.mname);
	sbuf_addc(b, ' ');
	write_absolute(b, &soa.rname);
	sbuf_fmt(b, " %u %u %u %u %u", soa.serial, soa.refresh, soa.retry,
		soa.expire, soa.minimum);
	return true;
}

static bool write_address(struct sbuf *b, int family, struct str rdata)
{
	char text[INET6_ADDRSTRLEN];

	if (rdata.n != (family == AF_INET ? 4 : 16))
		return false;
	if (inet_ntop(family, rdata.p, text, sizeof(text)) == NULL)
		return false;
	sbuf_addz(b, text);
	return true;
}

static bool write_mx(struct sbuf *b, struct str rdata)
{
	struct dns_name exchange;
	uint16_t preference;

	if (dns_mx_read(rdata, &preference, &exchange) != ST_OK)
		return false;
	sbuf_fmt(b, "%u ", preference);
	write_absolute(b, &exchange);
	return true;
}

static bool txt_is_valid(struct str rdata)
{
	struct wire_in in = wire_in_of(rdata);

	while (wire_left(&in) > 0)
		(void)wire_bytes(&in, wire_u8(&in));
	return wire_done(&in) && rdata.n > 0;
}

static bool write_txt(struct sbuf *b, struct str rdata)
{
	struct wire_in in = wire_in_of(rdata);

	if (!txt_is_valid(rdata))
		return false;
	while (wire_left(&in) > 0) {
		if (in.at > 0)
			sbuf_addc(b, ' ');
		write_quoted(b, wire_bytes(&in, wire_u8(&in)));
	}
	return true;
}

static bool tag_is_plain(struct str tag)
{
	for (size_t i = 0; i < tag.n; i++)
		if (!chr_is_alnum(tag.p[i]))
			return false;
	return true;
}

static bool write_caa(struct sbuf *b, struct str rdata)
{
	struct str tag, value;
	uint8_t flags;

	if (dns_caa_read(rdata, &flags, &tag, &value) != ST_OK ||
		!tag_is_plain(tag))
		return false;
	sbuf_fmt(b, "%u ", flags);
	sbuf_add(b, tag);
	sbuf_addc(b, ' ');
	write_quoted(b, value);
	return true;
}

static bool write_known(struct sbuf *b, uint16_t type, struct str rdata)
{
	switch (type) {
	case DNS_TYPE_A:
		return write_address(b, AF_INET, rdata);
	case DNS_TYPE_AAAA:
		return write_address(b, AF_INET6, rdata);
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_PTR:
		return write_name(b, rdata);
	case DNS_TYPE_SOA:
		return write_soa(b, rdata);
	case DNS_TYPE_MX:
		return write_mx(b, rdata);
	case DNS_TYPE_TXT:
		return write_txt(b, rdata);
	case DNS_TYPE_CAA:
		return write_caa(b, rdata);
	default:
		return false;
	}
}

void dns_rdata_write(struct sbuf *b, uint16_t type, struct str rdata)
{
	if (write_known(b, type, rdata))
		return;
	sbuf_fmt(b, "\\# %zu", rdata.n);
	if (rdata.n > 0)
		sbuf_addc(b, ' ');
	hex_write(b, rdata);
}
