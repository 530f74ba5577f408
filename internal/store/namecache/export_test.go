package namecache

// RowsByID exports rowsByID.
var RowsByID = rowsByID
