/* SPDX-License-Identifier: Apache-2.0 */
/* tls_names: server names from the SAN only. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/tls_names.h"

#include "base/bug.h"

#include "base/poison.h"

static void require(X509_VERIFY_PARAM *param, const char *host)
{
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return;
	ERR_clear_error();
	BUG(X509_VERIFY_PARAM_set1_host(param, host, 0) != 1);
}

void tls_names_require(void *ssl_ctx, const char *host)
{
	require(SSL_CTX_get0_param(ssl_ctx), host);
}

void tls_names_require_of(void *ssl, const char *host)
{
	require(SSL_get0_param(ssl), host);
}
