/* SPDX-License-Identifier: Apache-2.0 */
/* idn: internationalised domain names, by libidn2. */
#pragma once

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

/*
 * The A-labels of a UTF-8 domain name, folded as UTS 46 (non-transitional)
 * says and checked by IDNA2008 (RFC 5891). ST_INVALID: it has none; ST_LIMIT:
 * memory.
 */
enum status idn_to_ascii(struct arena *a, struct str name, struct str *out);
