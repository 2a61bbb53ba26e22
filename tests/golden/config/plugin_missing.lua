av_scanners = { plugin("missing", "@HERE@/missing.so") { } }
compatibility_level = 1
