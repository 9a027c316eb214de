/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_name: DNS host names as text (RFC 1123 section 2.1, RFC 5321 section
 * 4.1.2 "Domain", A-labels of RFC 5890), and what is an address instead.
 *
 * Everywhere else in moat a host name is what host_name_parse gives: lower
 * case, A-labels only, no trailing dot.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

#define HOST_NAME_BYTES_MAX 253 /* RFC 1035 section 2.3.4, without the root */
#define HOST_LABEL_BYTES_MAX 63

/* What is wrong with a host name; HOST_NAME_GOOD is 0. */
enum host_fault {
	HOST_NAME_GOOD,
	HOST_NAME_EMPTY,
	HOST_NAME_TOO_LONG,
	HOST_NAME_TRAILING_DOT,
	HOST_NAME_EMPTY_LABEL, /* a leading dot or two dots in a row */
	HOST_NAME_LABEL_TOO_LONG,
	HOST_NAME_NOT_ASCII,  /* a U-label: write it as A-label (xn--...) */
	HOST_NAME_BAD_BYTE,   /* not a letter, digit or hyphen */
	HOST_NAME_HYPHEN,     /* a label begins or ends with a hyphen */
	HOST_NAME_BAD_ALABEL, /* xn-- and then no Punycode (RFC 3492) */
	HOST_NAME_ADDRESS,    /* an IP address, or the last label is a number */
};

/*
 * The first fault of s as a host name without trailing dot; any case. One
 * label alone is a host name.
 */
enum host_fault host_name_fault(struct str s);

/* A phrase for a fault, to go behind "the name": "is empty". */
const char *host_fault_text(enum host_fault f);

/*
 * Normalises s: takes off one trailing dot, folds case, copies into a.
 * ST_INVALID with a text in e when it is no host name, ST_LIMIT when memory is
 * used up.
 */
enum status host_name_parse(
	struct arena *a, struct str s, struct str *out, struct err *e);

/* true for an IPv4 or IPv6 address as text, also within [ ] or [IPv6: ]. */
bool host_is_address(struct str s);

/* true when a and b are the same name, apart from case. */
bool host_name_eq(struct str a, struct str b);

/*
 * true when name is zone or below it: a.b.example is under b.example. Compares
 * whole labels without case; both without trailing dot.
 */
bool host_name_under(struct str name, struct str zone);
