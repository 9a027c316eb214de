/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_text: the small grammars inside a TLS report (RFC 8460 section 4.4):
 * addresses, domains, URIs. Shared by the reader, the lint and the tables.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* An IPv4 or IPv6 address as inet_pton(3) reads it. */
bool tlsrpt_is_ip(struct str s);

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", "fe80::1%eth0" without decoration. */
struct str tlsrpt_ip_undecorated(struct str s);

/*
 * The same text for all spellings of an address (RFC 5952 for IPv6), in a; s
 * itself when it is that text, no address, or memory is used up.
 */
struct str tlsrpt_ip_canonical(struct arena *a, struct str s);

/* A domain in A-label form: labels of LDH and underscores, no dot at the end.
 */
bool tlsrpt_is_domain(struct str s);

/* As above, with "*." allowed in front (mx-host, RFC 8461 section 4.1). */
bool tlsrpt_is_mx_pattern(struct str s);

/* scheme ":" without spaces (RFC 3986 section 3): tells a URI from prose. */
bool tlsrpt_is_uri(struct str s);

/* local-part "@" domain, roughly an addr-spec of RFC 5322. */
bool tlsrpt_is_address(struct str s);

/*
 * The domain of a contact-info, "a@x.example" or "mailto:a@x.example"; empty if
 * it names none.
 */
struct str tlsrpt_contact_domain(struct str contact);

/*
 * Is a signature of the domain signer one of the reporting domain (RFC 8460
 * section 3): the same, or one above it, but no top-level domain? Whoever
 * speaks for a domain speaks for those below, not for those above.
 */
bool tlsrpt_signs_for(struct str signer, struct str reporter);
