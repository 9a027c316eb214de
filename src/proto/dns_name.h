/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name: a domain name in wire form (RFC 1035 section 3.1) as a plain value.
 * Case is kept as it came; every comparison folds ASCII (RFC 4343).
 *
 * Text is the master-file form: labels joined by dots, a dot or backslash
 * inside a label as \. or \\, other odd bytes as \DDD. Elsewhere in the program
 * a name is lower-case text without the trailing dot; the root is ".".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "base/wire.h"

#define DNS_LABEL_MAX 63
#define DNS_NAME_MAX 255       /* bytes in wire form, RFC 1035 section 2.3.4 */
#define DNS_NAME_TEXT_MAX 1020 /* every byte as \DDD */
#define DNS_NAME_KEY_MAX 510   /* every byte escaped */

struct dns_name {
	uint8_t n; /* bytes of wire, the root's zero byte included */
	uint8_t wire[DNS_NAME_MAX];
};

/* The root. */
struct dns_name dns_name_root(void);

/*
 * Reads a name at in->at, following compression pointers, which must lead
 * strictly backwards. in->p must be the whole message. On any error in->failed
 * is set and the result is the root.
 */
struct dns_name dns_name_read(struct wire_in *in);

/*
 * Reads text; a trailing dot is allowed and means nothing. ST_INVALID for empty
 * labels and bad escapes, ST_LIMIT for a label over 63 or a name over 255.
 */
enum status dns_name_parse(struct str text, struct dns_name *out);

/* Writes the text form without trailing dot, case as it is. */
void dns_name_write(struct sbuf *b, const struct dns_name *name);

/* The wire form, borrowed from name. */
struct str dns_name_wire(const struct dns_name *name);

/* Folds ASCII upper case away, as DNSSEC's canonical form wants. */
void dns_name_lower(struct dns_name *name);

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);

/* true if name is zone or lies below it. */
bool dns_name_is_in(const struct dns_name *name, const struct dns_name *zone);

/*
 * Writes bytes whose memcmp order is the canonical order (RFC 4034 section
 * 6.1), for sorted stores: a name's subtree is the range that begins with its
 * key.
 */
void dns_name_key(struct sbuf *b, const struct dns_name *name);

/* Cuts the first label off; false (and untouched) for the root. */
bool dns_name_cut(struct dns_name *name);
