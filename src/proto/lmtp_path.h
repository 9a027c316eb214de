/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_path: the addresses of MAIL and RCPT (RFC 5321 section 4.1.2), also
 * those beyond ASCII (RFC 6531 section 3.3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define LMTP_LOCAL_MAX 64   /* RFC 5321 section 4.5.3.1.1 */
#define LMTP_DOMAIN_MAX 255 /* RFC 5321 section 4.5.3.1.2 */

/* The quotes of a local part are gone; both parts are UTF-8. */
struct lmtp_path {
	char local[LMTP_LOCAL_MAX];
	char domain[LMTP_DOMAIN_MAX];
	size_t n_local, n_domain; /* both 0: the null reverse-path "<>" */
	bool utf8;		  /* it has more than ASCII */
};

/*
 * Takes "<" path ">" off the front of *s, and blanks before it; a source route
 * is read over. false: there is none, or something but a blank behind it.
 */
bool lmtp_path_take(struct str *s, struct lmtp_path *out);
