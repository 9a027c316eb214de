/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_rr: resource record data of the types moat serves, as wire form without
 * compression. Builders append to a wire_out (its sticky error tells whether it
 * fitted); readers take the rdata alone and are strict: ST_INVALID on anything
 * but exactly one well-formed value.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "base/wire.h"
#include "proto/dns_name.h"

/* Types and classes by their IANA numbers. */
#define DNS_TYPE_A 1
#define DNS_TYPE_NS 2
#define DNS_TYPE_CNAME 5
#define DNS_TYPE_SOA 6
#define DNS_TYPE_PTR 12
#define DNS_TYPE_MX 15
#define DNS_TYPE_TXT 16
#define DNS_TYPE_AAAA 28
#define DNS_TYPE_OPT 41
#define DNS_TYPE_TLSA 52
#define DNS_TYPE_TSIG 250
#define DNS_TYPE_IXFR 251
#define DNS_TYPE_AXFR 252
#define DNS_TYPE_ANY 255
#define DNS_TYPE_CAA 257

#define DNS_CLASS_IN 1
#define DNS_CLASS_ANY 255

#define DNS_TTL_MAX 2147483647u /* RFC 2181 section 8 */
#define DNS_RDATA_MAX 65535
#define DNS_TXT_STRING_MAX 255
#define DNS_CAA_ISSUER_CRITICAL 128

/* One record set: all records of a type at a name, with one TTL. */
struct dns_rrset {
	uint16_t type;
	uint32_t ttl;
	const struct str *rdata; /* n of them */
	size_t n;
};

/* RFC 1035 section 3.3.13. */
struct dns_soa {
	struct dns_name mname, rname;
	uint32_t serial, refresh, retry, expire, minimum;
};

void dns_soa_write(struct wire_out *out, const struct dns_soa *soa);
enum status dns_soa_read(struct str rdata, struct dns_soa *out);

/* Is serial a newer than b (RFC 1982)? */
bool dns_serial_newer(uint32_t a, uint32_t b);

/* NS and CNAME. */
void dns_rr_name_write(struct wire_out *out, const struct dns_name *name);
enum status dns_rr_name_read(struct str rdata, struct dns_name *out);

/* RFC 1035 section 3.3.9. */
void dns_mx_write(struct wire_out *out, uint16_t preference,
	const struct dns_name *exchange);
enum status dns_mx_read(
	struct str rdata, uint16_t *preference, struct dns_name *exchange);

/*
 * TXT (RFC 1035 section 3.3.14): text is split into strings of 255 bytes; empty
 * text is one empty string. The reader joins them without a separator, as
 * RFC 8461 section 3.1 and RFC 8460 section 3 want; ST_LIMIT when the arena is
 * used up.
 */
void dns_txt_write(struct wire_out *out, struct str text);
enum status dns_txt_read(struct arena *a, struct str rdata, struct str *text);

/* RFC 8659 section 4.1. tag and value of a read are borrowed from rdata. */
void dns_caa_write(
	struct wire_out *out, uint8_t flags, struct str tag, struct str value);
enum status dns_caa_read(
	struct str rdata, uint8_t *flags, struct str *tag, struct str *value);

/*
 * rdata in master-file form: known types as people write them, others and
 * malformed ones as \# LENGTH HEX (RFC 3597 section 5).
 */
void dns_rdata_write(struct sbuf *b, uint16_t type, struct str rdata);
