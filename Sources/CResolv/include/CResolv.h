#ifndef CRESOLV_H
#define CRESOLV_H
#include <stdint.h>
int cresolv_version(void);
#endif
