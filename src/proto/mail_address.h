/* SPDX-License-Identifier: Apache-2.0 */
/* mail_address: addresses that moat sends to (RFC 5321 section 4.1.2). */
#pragma once

#include <stdbool.h>

#include "base/str.h"

#define MAIL_ADDRESS_BYTES_MAX 254u /* RFC 5321 section 4.5.3.1.3 */

/*
 * "local@domain" in printable ASCII without spaces, quotes or brackets: what
 * may stand in a header and an SMTP command as it is.
 */
bool mail_address_is_plain(struct str s);
