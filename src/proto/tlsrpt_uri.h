/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_uri: where TLS reports go: mailto: (RFC 6068) and https: URIs under
 * the extra rule of RFC 8460 section 3 (no raw "!", "," and ";").
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

enum tlsrpt_scheme { TLSRPT_MAILTO, TLSRPT_HTTPS };

struct tlsrpt_uri {
	enum tlsrpt_scheme scheme;
	struct str text;    /* as written, borrowed */
	struct str address; /* mailto: local@domain, decoded, in the arena */
	struct str host;    /* lower case, in the arena: host or mail domain */
	uint16_t port;	    /* https */
	struct str path;    /* https: path and query, borrowed; "" is "/" */
};

enum tlsrpt_uri_fault {
	TLSRPT_URI_GOOD,
	TLSRPT_URI_EMPTY,
	TLSRPT_URI_TOO_LONG,
	TLSRPT_URI_NO_SCHEME,	/* no "mailto:" or "https:" in front */
	TLSRPT_URI_BAD_SCHEME,	/* some other scheme */
	TLSRPT_URI_BAD_BYTE,	/* not a URI byte (RFC 3986 section 2) */
	TLSRPT_URI_RAW,		/* "!" must be written as %21 */
	TLSRPT_URI_BAD_PERCENT, /* "%" without two hex digits */
	TLSRPT_URI_NO_AT,	/* a mailto without one "@" */
	TLSRPT_URI_BAD_LOCAL,	/* what is before the "@" */
	TLSRPT_URI_BAD_HOST,	/* no host name with at least one dot */
	TLSRPT_URI_BAD_PORT,
	TLSRPT_URI_NO_SLASHES, /* https: without "//" */
	TLSRPT_URI_USER,       /* https://user@host */
};

/*
 * Reads text; *fault says what is wrong, *out is set only if that is
 * TLSRPT_URI_GOOD. ST_LIMIT: memory was used up.
 */
enum status tlsrpt_uri_parse(struct arena *a, struct str text,
	struct tlsrpt_uri *out, enum tlsrpt_uri_fault *fault);

/* A phrase for a fault, behind the URI: "has no scheme". */
const char *tlsrpt_uri_fault_text(enum tlsrpt_uri_fault f);
