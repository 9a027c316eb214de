/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names: how strictly a TLS client compares the server's name. */
#pragma once

/*
 * Makes connections of ssl_ctx (an OpenSSL SSL_CTX) fail unless a DNS name in
 * the SAN covers host: the common name never counts, and a wildcard only as
 * the whole left-most label (RFC 8461 section 4.1, RFC 9525 section 6). An IP
 * address (without brackets) is compared with the addresses of the SAN.
 */
void tls_names_require(void *ssl_ctx, const char *host);

/* The same for one connection, an OpenSSL SSL. */
void tls_names_require_of(void *ssl, const char *host);
