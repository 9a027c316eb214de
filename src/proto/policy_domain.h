/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_domain: from the next hop that an MTA asks about to the policy domain
 * (RFC 8461 sections 2 and 3.4).
 *
 * Postfix asks for the next hop as it is written in its tables: "example.com",
 * "[relay.example.com]:587", "relay.example.com:587"; it also asks for the
 * parents of a domain, ".example.com" and ".com", which inherit nothing
 * (section 3.4).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/host_name.h"

#define SMTP_PORT 25

/*
 * Puts the A-labels of a UTF-8 domain name into the arena. ST_INVALID: it has
 * none (RFC 5891); ST_LIMIT: memory.
 */
typedef enum status policy_domain_ascii(
	struct arena *a, struct str name, struct str *out);

struct policy_domain {
	struct str name; /* as host_name_parse gives it */
	/*
	 * The next hop is in brackets: mail goes to the host of this name, no
	 * MX records are looked up.
	 */
	bool is_host;
	uint16_t port; /* SMTP_PORT unless given; 0: a service name */
};

/*
 * ST_NOTFOUND: the key names no policy domain (a parent domain, an address
 * literal, nothing, no valid domain name), so there is nothing to look up.
 * ST_LIMIT: memory. to_ascii may be NULL: then U-labels are no domain names.
 */
enum status policy_domain_parse(struct arena *a, struct str key,
	policy_domain_ascii *to_ascii, struct policy_domain *out);

#define POLICY_DOMAIN_TEXT_MAX (HOST_NAME_BYTES_MAX + sizeof("[]:65535"))

/* As it is asked for: "example.com", "[mx.example.com]:587". */
void policy_domain_write(struct sbuf *b, const struct policy_domain *d);
