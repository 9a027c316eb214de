/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_certs: parsed certificates and opened keys in front of the view. Parsing
 * costs more than a handshake, a parsed pair 6 to 8 KB: so the ones used last
 * are kept, up to a number. An entry is found by the SHA-256 of its leaf, which
 * the view gives for each host, so it can never be out of date.
 */
#pragma once

#include <stddef.h>

#include "base/status.h"
#include "io/crypto.h"
#include "io/tls.h"
#include "view/view.h"

struct edge_certs;

/* Keeps at most max (>= 1) identities; seal is borrowed. */
struct edge_certs *edge_certs_new(const struct crypto_key *seal, size_t max);
void edge_certs_free(struct edge_certs **c);

/*
 * The identity of a host, borrowed until the next call. ST_NOTFOUND: it has no
 * certificate yet; ST_TEMP: key or certificate of the view cannot be read.
 */
enum status edge_certs_get(struct edge_certs *c, const struct view_host *host,
	struct tls_identity **out);

/* As edge_certs_get, of the certificate that answers tls-alpn-01. */
enum status edge_certs_alpn(struct edge_certs *c, const struct view_host *host,
	struct tls_identity **out);
