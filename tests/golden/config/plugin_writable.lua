av_scanners = { plugin("goodlookup", "@HERE@/writable.so") { } }
compatibility_level = 1
