#include "CResolv.h"
int cresolv_version(void) { return 1; }
