select 5--3;
; select 5 - -3, 2*-1, 1.5e-3, .5, 0x1f